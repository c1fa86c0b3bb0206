// SPDX-License-Identifier: Apache-2.0

/// The path of an entry below the root of a kit. The root itself has no names.
///
/// Spec, for what a layer may hold: <https://github.com/opencontainers/image-spec/blob/main/layer.md>.
public struct EntryPath: Hashable, Sendable {
    public let names: [EntryName]

    public static let root = EntryPath([])
    /// PATH_MAX in bytes. No program could open a longer path.
    public static let lengthLimit = 4096

    public init(_ names: [EntryName]) { self.names = names }

    /// Parses a path of a tar or a Kitfile. `./` and doubled or trailing slashes are ignored.
    ///
    /// Not generic: it is called for each member of a tar, from modules that could not specialise a generic one.
    public init(parsing bytes: [UInt8]) throws(EntryPathError) {
        guard bytes.count <= Self.lengthLimit else { throw .tooLong(Self.printable(bytes)) }
        if bytes.first == 47 { throw .absolute(Self.printable(bytes)) }
        var names: [EntryName] = []
        for part in bytes.split(separator: 47) where part.count > 1 || part.first != 46 {
            if part.count == 2, part.first == 46, part.last == 46 { throw .leavesRoot(Self.printable(bytes)) }
            guard let name = EntryName(part) else {
                throw part.count > EntryName.lengthLimit
                    ? .nameTooLong(Self.printable(bytes)) : .containsNUL(Self.printable(bytes))
            }
            names.append(name)
        }
        self.names = names
    }

    public var isRoot: Bool { names.isEmpty }

    public func appending(_ name: EntryName) -> EntryPath { EntryPath(names + [name]) }

    /// Whether this is `other` or one of the directories above it.
    public func contains(_ other: EntryPath) -> Bool { other.names.starts(with: names) }

    /// Bytes as text for a message: at most 200 characters, with control characters and invalid UTF-8 replaced.
    package static func printable(_ bytes: some Collection<UInt8>) -> String {
        let text = String(decoding: bytes.prefix(800), as: UTF8.self)
        let clean = text.unicodeScalars.map { scalar -> Character in
            scalar.value < 32 || scalar.value == 127 ? "\u{FFFD}" : Character(scalar)
        }
        return clean.count > 200 ? String(clean.prefix(200)) + "…" : String(clean)
    }
}

extension EntryPath: CustomStringConvertible {
    public var description: String {
        isRoot ? "." : names.map(\.description).joined(separator: "/")
    }
}

/// Why a path is not allowed in a kit. The payload is the path, made printable.
public enum EntryPathError: Error, Equatable, CustomStringConvertible {
    case absolute(String), leavesRoot(String), nameTooLong(String), tooLong(String), containsNUL(String)

    public var description: String {
        switch self {
        case .absolute(let path): "“\(path)” is an absolute path"
        case .leavesRoot(let path): "“\(path)” leads out of the kit"
        case .nameTooLong(let path): "“\(path)” has a name of more than \(EntryName.lengthLimit) bytes"
        case .tooLong(let path): "“\(path)” has more than \(EntryPath.lengthLimit) bytes"
        case .containsNUL(let path): "“\(path)” has a NUL in it"
        }
    }
}
