// SPDX-License-Identifier: Apache-2.0

/// Questions about paths in the form of ``TreeScan``: `.` for the root.
extension UnpackedKit {
    /// Whether the path is the declared path of an unusable layer or below it.
    public func isUnusable(_ scanned: [UInt8]) -> Bool {
        unusable.contains { Self.names(scanned).starts(with: $0.path) }
    }

    /// Whether the path is the declared path of a layer.
    public func isDeclared(_ scanned: [UInt8]) -> Bool { declared.contains(Self.names(scanned)) }

    /// Whether the declared path of a layer is below the path.
    public func isAboveALayer(_ scanned: [UInt8]) -> Bool { declared.contains { Self.isAbove($0, scanned) } }

    /// Whether the declared path of an unusable layer is below the path.
    public func isAboveAnUnusableLayer(_ scanned: [UInt8]) -> Bool {
        unusable.contains { Self.isAbove($0.path, scanned) }
    }

    /// Whether the declared path of an unreachable layer is below the path. An unusable layer stands in the way of such
    /// a layer.
    public func isAboveAnUnreachableLayer(_ scanned: [UInt8]) -> Bool {
        declared.contains { path in
            Self.isAbove(path, scanned)
                && unusable.contains { $0.path.count < path.count && path.starts(with: $0.path) }
        }
    }

    private static func isAbove(_ path: Path, _ scanned: [UInt8]) -> Bool {
        path.count > names(scanned).count && path.starts(with: names(scanned))
    }

    private static func names(_ scanned: [UInt8]) -> Path {
        scanned == Array(".".utf8) ? [] : scanned.split(separator: UInt8(ascii: "/")).map(Array.init)
    }
}
