// SPDX-License-Identifier: Apache-2.0
import FoundationEssentials
import TestSupport

/// A mount in `kitfs status --json`, as kitfs-status(1) describes it.
struct ShownMount: Decodable {
    let reference: String
    let digest: String
    let directory: String
    let pid: Int32
    let alive: Bool
    let stopped: Bool
    let started: Int64
    let version: String
    let verify: String
    let cache: String
    let log: String?
    let io: IO?
    let layers: [Layer]

    struct IO: Decodable {
        let mode: String
        let reason: String?
    }

    struct Layer: Decodable {
        let kind: String
        let path: String
        let name: String?
        let digest: String
        let size: UInt64
        let cached: UInt64
        let state: String
        let received: UInt64
        let rate: UInt64
        let secondsLeft: Int?
        let error: String?
        let errorTime: Int64?
        let waiters: Int
        let waits: [Wait]
    }

    struct Wait: Decodable {
        let operation: String
        let count: Int
        let since: Int64
        let processes: [Process]
    }

    struct Process: Decodable {
        let pid: Int32
        let command: String?
    }

    static func all(in text: String) throws -> [ShownMount] {
        try JSONDecoder().decode([ShownMount].self, from: Data(text.utf8))
    }

    func layer(_ path: String) throws -> Layer {
        guard let layer = layers.first(where: { $0.path == path }) else {
            throw TestSupportError("no layer at \(path)")
        }
        return layer
    }
}

extension Mount {
    func shown() throws -> ShownMount {
        guard let mount = try ShownMount.all(in: bench.kitfs("status", "--json", path)).first else {
            throw TestSupportError("status shows no mount on \(path)")
        }
        return mount
    }
}
