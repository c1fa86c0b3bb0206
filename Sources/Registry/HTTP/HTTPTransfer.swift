// SPDX-License-Identifier: Apache-2.0
private import CCurl
internal import OCI

/// The state of one transfer, for libcurl's callbacks. Used on one thread, from `attach` to the end of
/// `curl_easy_perform`.
final class HTTPTransfer {
    var response = HTTPResponse()
    var error: (any Error)?
    private(set) var isStalled = false
    /// Stalls are detected here and not by CURLOPT_LOW_SPEED_TIME, which looks at the mean of five seconds: it is that
    /// much late after a fast start, and counts the time that `receive` takes.
    private var lastBytes = ContinuousClock.now
    private var lastLook = ContinuousClock.now
    /// libcurl calls `mustEnd` more often than this.
    private static let standstill = Duration.seconds(3)
    private let stallTimeout: Duration
    private let cancellation: Cancellation
    private let receive: (HTTPResponse, RawSpan) throws -> Void

    init(
        stallTimeout: Duration, cancellation: Cancellation,
        receive: @escaping (HTTPResponse, RawSpan) throws -> Void
    ) {
        self.stallTimeout = stallTimeout
        self.cancellation = cancellation
        self.receive = receive
    }

    func attach(to handle: UnsafeMutableRawPointer) {
        // SAFETY: the transfer outlives curl_easy_perform, which is the only one to call back.
        let context = Unmanaged.passUnretained(self).toOpaque()
        _ = ccurl_set_pointer(handle, CURLOPT_WRITEDATA, context)
        _ = ccurl_set_pointer(handle, CURLOPT_HEADERDATA, context)
        _ = ccurl_set_pointer(handle, CURLOPT_XFERINFODATA, context)
        _ = ccurl_set_long(handle, CURLOPT_NOPROGRESS, 0)
        _ = ccurl_set_progress_callback(handle) { context, _, _, _, _ in
            guard let context else { return 1 }
            let transfer = Unmanaged<HTTPTransfer>.fromOpaque(context).takeUnretainedValue()
            return transfer.mustEnd() ? 1 : 0
        }
        _ = ccurl_set_data_callback(handle, CURLOPT_HEADERFUNCTION) { data, _, count, context in
            guard let data, let context else { return 0 }
            let line = String(decoding: UnsafeRawBufferPointer(start: data, count: count), as: UTF8.self)
            Unmanaged<HTTPTransfer>.fromOpaque(context).takeUnretainedValue().response.take(headerLine: line)
            return count
        }
        _ = ccurl_set_data_callback(handle, CURLOPT_WRITEFUNCTION) { data, _, count, context in
            guard let data, let context else { return 0 }
            let transfer = Unmanaged<HTTPTransfer>.fromOpaque(context).takeUnretainedValue()
            do {
                try transfer.receive(transfer.response, UnsafeRawBufferPointer(start: data, count: count).bytes)
                transfer.lastBytes = .now
                return count
            } catch {
                transfer.error = error
                return 0
            }
        }
    }

    /// Called at least once a second.
    private func mustEnd() -> Bool {
        if cancellation.isCancelled { return true }
        let now = ContinuousClock.now
        // This process or the whole machine was suspended. Bytes that came meanwhile have not been read yet.
        if now - lastLook > Self.standstill { lastBytes = min(now, lastBytes + (now - lastLook)) }
        lastLook = now
        isStalled = now - lastBytes > stallTimeout
        return isStalled
    }
}
