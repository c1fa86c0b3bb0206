// SPDX-License-Identifier: Apache-2.0
import CFuse
import Glibc
import SystemPackage
import Testing
import Threading

@testable import FuseSession

/// Requests that are answered later.
@Suite struct HeldTests {
    private typealias HeldRead = Held<DataRequest>

    /// The session goes on answering others; who takes a request first has it.
    @Test func othersAreAnsweredMeanwhile() throws {
        let held = Monitor<HeldRead?>(nil)
        let operations = RecordingOperations { request, offset, _ in
            guard offset == 0 else { return request.reply([UInt8(offset)]) }
            let waiting = HeldRead(request) {}
            held.update { $0 = waiting }
        }
        let kernel = try FuseKernel(operations)
        let first = try kernel.send(FUSE_READ, 2, FuseKernel.reading(offset: 0, size: 1))
        #expect(try kernel.read(FUSE_READ, offset: 9).body == [9])
        let waiting = held.wait { $0 }
        guard let request = waiting.take() else { throw TakenByAnother() }
        #expect(waiting.isTaken)
        request.reply([1, 2])
        let (unique, reply) = try kernel.receive()
        #expect(unique == first && reply == .init(error: 0, body: [1, 2]))
    }

    @Test func aSignalIsTold() throws {
        let held = Monitor<HeldRead?>(nil)
        let operations = RecordingOperations { request, _, _ in
            let waiting = HeldRead(request) { held.wait { $0 }.take()?.fail(.interrupted) }
            held.update { $0 = waiting }
        }
        let kernel = try FuseKernel(operations)
        let unique = try kernel.send(FUSE_READ, 2, FuseKernel.reading(offset: 0, size: 1))
        _ = held.wait { $0 }
        try kernel.interrupt(unique)
        let (answered, reply) = try kernel.receive()
        #expect(answered == unique && reply == .init(error: -EINTR, body: []))
        let answeredOne = held.wait { $0 }
        #expect(answeredOne.isTaken)
    }

    /// Whoever held it has let go of it without an answer.
    @Test func oneThatIsDroppedIsAnswered() throws {
        let operations = RecordingOperations { request, _, _ in
            _ = HeldRead(request) {}
        }
        let kernel = try FuseKernel(operations)
        #expect(try kernel.read(FUSE_READ, offset: 0) == .init(error: -EIO, body: []))
    }
}

private struct TakenByAnother: Error {}

extension Held where Request: ~Copyable {
    /// Whether somebody has taken it; it is not answered then a second time.
    fileprivate var isTaken: Bool {
        guard let request = take() else { return true }
        request.fail(.ioError)
        return false
    }
}
