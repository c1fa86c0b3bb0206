// SPDX-License-Identifier: Apache-2.0
private import Glibc

/// The environment of this process, and what it says of its user.
package enum Environment {
    package static let variables: [String: String] = {
        var variables: [String: String] = [:]
        var next = environ
        while let entry = next.pointee {
            let text = String(cString: entry)
            if let equals = text.firstIndex(of: "=") {
                variables[String(text[..<equals])] = String(text[text.index(after: equals)...])
            }
            next += 1
        }
        // mount(8) and systemd start us without HOME.
        if variables["HOME"]?.isEmpty ?? true { variables["HOME"] = homeOfRecord }
        return variables
    }()

    /// The user's home directory in the user database; nil if it is no directory.
    private static var homeOfRecord: String? {
        var record = passwd()
        var found: UnsafeMutablePointer<passwd>?
        var buffer = [CChar](repeating: 0, count: 16 << 10)
        return buffer.withUnsafeMutableBufferPointer { buffer in
            guard let memory = buffer.baseAddress,
                getpwuid_r(geteuid(), &record, memory, buffer.count, &found) == 0, found != nil,
                let home = record.pw_dir
            else { return nil }
            var status = stat()
            return stat(home, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR ? String(cString: home) : nil
        }
    }

    /// The variables with paths made absolute. A mount leaves the directory it was started in.
    package static var withAbsolutePaths: [String: String] {
        var variables = variables
        for name in [
            "HOME", "DOCKER_CONFIG", "REGISTRY_AUTH_FILE", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "XDG_DATA_HOME",
            "KITOPS_HOME", "CONTAINERS_REGISTRIES_CONF",
        ] {
            if let path = nonEmpty(name) { variables[name] = absolute(path) }
        }
        return variables
    }

    package static var isRoot: Bool { geteuid() == 0 }

    /// Whether this user owns the machine's own directories. The root of a user namespace may not.
    package static var ownsSystem: Bool {
        var status = stat()
        return isRoot && stat("/", &status) == 0 && status.st_uid == 0
    }

    package static func nonEmpty(_ name: String) -> String? { variables[name].flatMap { $0.isEmpty ? nil : $0 } }

    /// Made absolute without looking at the file system.
    package static func absolute(_ path: String) -> String {
        guard !path.hasPrefix("/") else { return path }
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        guard getcwd(&buffer, buffer.count) != nil else { return path }
        let directory = String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return directory == "/" ? "/" + path : directory + "/" + path
    }
}
