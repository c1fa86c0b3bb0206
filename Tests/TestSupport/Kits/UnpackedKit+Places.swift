// SPDX-License-Identifier: Apache-2.0

/// Questions about paths as ``TreeScan`` has them: `.` for the root.
extension UnpackedKit {
    /// Whether it is the declared path of an unusable layer or below it.
    public func isUnusable(_ scanned: [UInt8]) -> Bool {
        unusable.contains { Self.names(scanned).starts(with: $0.path) }
    }

    /// Whether it is the declared path of a layer.
    public func isDeclared(_ scanned: [UInt8]) -> Bool { declared.contains(Self.names(scanned)) }

    /// Whether the declared path of a layer is below it.
    public func isAboveALayer(_ scanned: [UInt8]) -> Bool { declared.contains { Self.isAbove($0, scanned) } }

    /// Whether the declared path of an unusable layer is below it.
    public func isAboveAnUnusableLayer(_ scanned: [UInt8]) -> Bool {
        unusable.contains { Self.isAbove($0.path, scanned) }
    }

    /// Whether below it there is the declared path of a layer that nobody gets to, as an unusable one is in the way.
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
