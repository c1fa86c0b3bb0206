// SPDX-License-Identifier: Apache-2.0
package import FuseSession
private import Glibc
private import HostSystem
package import SystemPackage

/// Why passthrough is not used.
package enum PassthroughObstacle: CustomStringConvertible, Sendable {
    case notWanted
    case notRoot
    case oldKernel(String)
    case stacked
    case forbidden
    case other(String)

    /// The obstacle of a `Passthrough` that is not available.
    package init(_ passthrough: Passthrough) {
        if !passthrough.isWanted {
            self = .notWanted
        } else if geteuid() != 0 {
            self = .notRoot
        } else if let error = passthrough.failure {
            self.init(error)
        } else {
            self = .other("libfuse could not be prepared for it")
        }
    }

    /// The obstacle behind an error of FUSE_DEV_IOC_BACKING_OPEN. Source: fs/fuse/backing.c of Linux.
    package init(_ error: Errno) {
        if !Self.isNewKernel {
            self = .oldKernel(Self.kernel)
            return
        }
        switch error {
        case .tooManySymbolicLinkLevels: self = .stacked
        case .notPermitted: self = .forbidden
        default: self = .other("the kernel refuses it: \(error)")
        }
    }

    package var description: String {
        switch self {
        case .notWanted: "--passthrough false"
        case .notRoot: "the mount is not root's"
        case .oldKernel(let release): "Linux \(release) is older than 6.9"
        case .stacked: "the cache is on a stacked file system, such as overlayfs"
        case .forbidden: "CAP_SYS_ADMIN is lacking here, as in a container"
        case .other(let text): text
        }
    }

    /// The kernel's release, as `uname -r` prints it.
    package static var kernel: String {
        guard let text = TextFile.read("/proc/sys/kernel/osrelease") else { return "of unknown version" }
        return String(text.prefix { !$0.isNewline })
    }

    package static var isNewKernel: Bool {
        let numbers = kernel.split(separator: ".").prefix(2).map { Int($0.prefix { $0.isNumber }) ?? 0 }
        return numbers.count == 2 && (numbers[0], numbers[1]) >= (6, 9)
    }
}
