// SPDX-License-Identifier: Apache-2.0
internal import LayerIndex
internal import LayerStore

/// The number of a file or directory of a mount. Numbers are derived, so they are the same in every mount of a kit and
/// cost no memory.
public struct InodeNumber: Hashable, Sendable {
    public let rawValue: UInt64

    public init(rawValue: UInt64) { self.rawValue = rawValue }

    /// What FUSE calls the root, too.
    public static let root = InodeNumber(rawValue: 1)
    static let kitfile = InodeNumber(rawValue: 2)

    /// What an inode stands for.
    enum Target: Equatable {
        /// A directory above the declared path of a layer; 0 is the root.
        case scopeDirectory(Int)
        case kitfile
        /// An entry of a layer, the layer by its ordinal; the epoch is the index's.
        case entry(layer: Int, epoch: UInt8, number: LayerIndex.Number)
    }

    init(_ target: Target) {
        switch target {
        case .scopeDirectory(0): self = .root
        case .scopeDirectory(let id): rawValue = UInt64(id) + 2
        case .kitfile: self = .kitfile
        case .entry(let layer, let epoch, let number):
            rawValue = UInt64(layer + 1) << 40 | UInt64(epoch) << 32 | UInt64(number)
        }
    }

    /// nil for numbers that no mount has. The caller checks whether this mount has it.
    var target: Target? {
        switch rawValue {
        case 0: nil
        case 1: .scopeDirectory(0)
        case 2: .kitfile
        case let value where value >> 40 == 0: Int(exactly: value - 2).map { .scopeDirectory($0) }
        default:
            Int(exactly: rawValue >> 40).map {
                .entry(
                    layer: $0 - 1, epoch: UInt8(truncatingIfNeeded: rawValue >> 32),
                    number: LayerIndex.Number(truncatingIfNeeded: rawValue))
            }
        }
    }
}
