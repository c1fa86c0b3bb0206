// SPDX-License-Identifier: Apache-2.0
package import FuseSession
internal import KitFileSystem
private import Logging
private import SystemPackage
private import Threading

/// Reads that come through us. A read holds no memory while it waits, and those that wait leave room for the rest.
extension KitOperations {
    package func read(_ request: consuming DataRequest, handle: UInt64, offset: UInt64, size: Int) {
        read(request, ReadPlace(handle: handle, offset: offset, size: size), [:], tries: 0)
    }

    private struct ReadPlace: Sendable {
        let handle: UInt64
        let offset: UInt64
        let size: Int
    }

    private func read(
        _ request: consuming DataRequest, _ place: ReadPlace, _ failures: Failures, tries: Int, since: Int64? = nil
    ) {
        let buffer = ThreadBuffer.bytes(place.size)
        switch tree.read(place.handle, at: place.offset, into: buffer, failures) {
        case .done(let count):
            request.reply(UnsafeRawBufferPointer(rebasing: buffer[0..<count]))
        case .failed(let error):
            logger.error("read: \(error)")
            request.fail(error.errno)
        case .needs where tries == Self.triesLimit:
            logger.error("read: what it waited for came \(tries) times and was gone again")
            request.fail(.ioError)
        case .needs(let needs):
            let slot = WaitSlot()
            let id = heldReads.number()
            let wait = waits.begin(.read, needs, caller: request.handle.caller, since: since)
            let held = Held(request) { [heldReads, waits] in
                heldReads.remove(id)
                waits.end(wait)
                slot.cancel()
            }
            heldReads.add(id) { [waits] in
                waits.end(wait)
                held.take()?.fail(.ioError)
                slot.cancel()
            }
            if held.isAnswered { heldReads.remove(id) }
            slot.set(
                tree.whenMet(needs, failures) { [self] failures in
                    heldReads.remove(id)
                    waits.end(wait)
                    guard let request = held.take() else { return }
                    read(request, place, failures, tries: tries + 1, since: wait.since)
                })
        }
    }
}
