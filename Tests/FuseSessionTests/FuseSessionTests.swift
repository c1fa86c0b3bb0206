// SPDX-License-Identifier: Apache-2.0
import CFuse
import Glibc
import SystemPackage
import Testing
import Threading

@testable import FuseSession

/// What the kernel gets for what it asks, over the protocol.
@Suite struct FuseSessionTests {
    private let operations = RecordingOperations()

    /// The kernel sends no negative offset. Who does is told so, and is not given the start of the file.
    @Test(arguments: [FUSE_READ, FUSE_READDIR, FUSE_READDIRPLUS].map(\.rawValue), [-1, Int64.min])
    func aNegativeOffsetIsRefused(_ operation: UInt32, _ offset: Int64) throws {
        let kernel = try FuseKernel(operations)
        let reply = try kernel.read(fuse_opcode(rawValue: operation), offset: offset)
        #expect(reply == .init(error: -EINVAL, body: []))
        #expect(operations.asked == [])
    }

    @Test func offsetsAreGivenOn() throws {
        let kernel = try FuseKernel(operations)
        #expect(try kernel.read(FUSE_READ, offset: 0).error == 0)
        #expect(try kernel.read(FUSE_READ, offset: .max, size: 17).error == 0)
        #expect(try kernel.read(FUSE_READDIR, offset: 900).error == 0)
        #expect(operations.asked == ["read 7 0 4096", "read 7 \(Int64.max) 17", "readDirectory 7 900"])
    }

    /// Who asked would hang otherwise.
    @Test func aForgottenRequestIsAnswered() throws {
        let kernel = try FuseKernel(operations)
        #expect(try kernel.ask(FUSE_GETATTR, 2, bytes(of: fuse_getattr_in())) == .init(error: -EIO, body: []))
        #expect(operations.asked == ["attributes 2"])
    }

    @Test func nothingIsOpenedForWriting() throws {
        let kernel = try FuseKernel(operations)
        for flags in [O_WRONLY, O_RDWR, O_WRONLY | O_TRUNC] {
            var open = fuse_open_in()
            open.flags = UInt32(flags)
            #expect(try kernel.ask(FUSE_OPEN, 2, bytes(of: open)).error == -EROFS)
        }
        #expect(operations.asked == [])
        #expect(try kernel.ask(FUSE_OPEN, 2, bytes(of: fuse_open_in())).error == 0)
        #expect(operations.asked == ["open 2"])
    }

    /// getxattr(2): a size of 0 asks for the size, one that is too small is ERANGE.
    @Test func extendedAttributesFitTheirBuffer() throws {
        let kernel = try FuseKernel(operations)
        func get(_ size: UInt32) throws -> FuseKernel.Reply {
            var get = fuse_getxattr_in()
            get.size = size
            return try kernel.ask(FUSE_GETXATTR, 2, bytes(of: get) + Array("user.x".utf8) + [0])
        }
        let size = try get(0)
        #expect(size.error == 0 && size.body.prefix(4) == [5, 0, 0, 0])
        #expect(try get(4).error == -ERANGE)
        #expect(try get(5) == .init(error: 0, body: Array("value".utf8)))
    }

    /// What does not fit is asked for with the position behind what did.
    @Test func aListingFitsItsBuffer() throws {
        let kernel = try FuseKernel(operations)
        let entry = MemoryLayout<fuse_dirent>.size + 8  // a name of 4 bytes, padded
        #expect(try kernel.read(FUSE_READDIR, offset: 0, size: UInt32(3 * entry + entry - 1)).body.count == 3 * entry)
        #expect(try kernel.read(FUSE_READDIR, offset: 997, size: 4096).body.count == 2 * entry)
        #expect(try kernel.read(FUSE_READDIR, offset: 0, size: 0) == .init(error: 0, body: []))
    }

    @Test func namesAreBytes() throws {
        let kernel = try FuseKernel(operations)
        _ = try kernel.ask(FUSE_LOOKUP, 1, [0xff, 0xfe, 0])
        #expect(operations.asked == ["lookup 1 [255, 254]"])
    }

    /// A comma in the source is no end of an option.
    @Test func theSourceIsEscaped() {
        var options = FuseMountOptions(source: #"oci:/a,b\c"#, subtype: "kitfs")
        #expect(options.text.contains(#"fsname=oci:/a\,b\\c,"#))
        #expect(!options.text.contains("allow_other") && !options.text.contains("noexec"))
        options.allowOther = true
        options.forbidsExecution = true
        #expect(options.text.hasSuffix("allow_other,noexec"))
        #expect(options.text.hasPrefix("ro,nosuid,nodev,default_permissions,"))
    }

    /// To describe a probe tries nothing: only `run` forks.
    @Test func aProbeIsAValue() {
        let probe = FuseProbe(inUserNamespace: true, backing: "/nowhere")
        #expect(probe.inUserNamespace && probe.backing == "/nowhere")
    }
}
