// SPDX-License-Identifier: Apache-2.0
private import CCurl
internal import OCI
private import Synchronization

/// Performs requests by libcurl, on the caller's thread. A worker blocks in its own transfer, and takes the bytes from
/// curl's buffer without a hop to another thread. Handles, and with them open connections, are reused.
final class HTTPClient: Sendable {
    private let settings: HTTPSettings
    // SAFETY: a handle is taken out of the pool by one thread, used by it alone, and put back.
    private struct Handle: @unchecked Sendable { let pointer: UnsafeMutableRawPointer }
    private let handles = Mutex(Handles())

    private struct Handles: Sendable {
        var idle: [Handle] = []
        /// Handles that are in use.
        var active = 0
    }

    /// The most handles that are kept without requests: each has connections.
    private static let idleLimit = 8
    /// Whether all of the system's authorities are read, because the one that is needed was not found by its name.
    private let readsAllAuthorities: Atomic<Bool>

    /// Why libcurl could not be initialised; nil if it was.
    private let setUpFailure: String?

    init(_ settings: HTTPSettings, setUpFailure: String? = CurlLibrary.setUpFailure) {
        self.settings = settings
        self.setUpFailure = setUpFailure
        let hasOwn = settings.caFile != nil || settings.certificates?.authorities.isEmpty == false
        readsAllAuthorities = Atomic(hasOwn || !SystemAuthorities.isDirectorySearchable)
    }

    deinit {
        for handle in handles.withLock({ $0.idle }) { curl_easy_cleanup(handle.pointer) }
    }

    /// Follows redirects; credentials are not sent to another host. `receive` gets the response and each piece of its
    /// body. An error that it throws ends the transfer and is rethrown. Every other error is an `HTTPFailure`.
    func perform(
        _ request: HTTPRequest, cancellation: Cancellation, receive: (HTTPResponse, RawSpan) throws -> Void
    ) throws -> HTTPResponse {
        let couldReadMore = !readsAllAuthorities.load(ordering: .relaxed)
        do {
            return try attempt(request, cancellation, receive)
        } catch HTTPFailure.untrusted where couldReadMore {
            // Some administrators add an authority to the system's file only.
            readsAllAuthorities.store(true, ordering: .relaxed)
            return try attempt(request, cancellation, receive)
        }
    }

    private func attempt(
        _ request: HTTPRequest, _ cancellation: Cancellation, _ receive: (HTTPResponse, RawSpan) throws -> Void
    ) throws -> HTTPResponse {
        if let setUpFailure { throw HTTPFailure.settings("libcurl cannot be initialised: \(setUpFailure)") }
        guard let handle = takeHandle() else { throw HTTPFailure.settings("libcurl has no memory for a handle") }
        defer { giveBack(handle) }
        curl_easy_reset(handle)
        return try withoutActuallyEscaping(receive) { receive in
            let stallTimeout = min(settings.stallTimeout, request.progressTimeout ?? .max)
            let transfer = HTTPTransfer(
                stallTimeout: .seconds(stallTimeout), cancellation: cancellation, receive: receive)
            let headers = configure(handle, request, transfer)
            defer { curl_slist_free_all(headers) }
            var message = [CChar](repeating: 0, count: Int(CURL_ERROR_SIZE))
            let code = message.withUnsafeMutableBufferPointer { buffer in
                _ = ccurl_set_pointer(handle, CURLOPT_ERRORBUFFER, buffer.baseAddress)
                let code = curl_easy_perform(handle)
                _ = ccurl_set_pointer(handle, CURLOPT_ERRORBUFFER, nil)
                return code
            }
            if let error = transfer.error { throw error }
            transfer.response.status = ccurl_response_code(handle)
            transfer.response.redirectedTo = ccurl_redirected_to(handle).flatMap { HTTPURL(String(cString: $0)) }
            if transfer.isStalled { throw HTTPFailure.transport("no bytes for \(stallTimeout) s") }
            guard code == CURLE_OK else {
                let text = String(decoding: message.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
                throw Self.failure(code, text.isEmpty ? String(cString: curl_easy_strerror(code)) : text)
            }
            return transfer.response
        }
    }

    private func takeHandle() -> UnsafeMutableRawPointer? {
        let known = handles.withLock { handles in
            handles.active += 1
            return handles.idle.popLast()
        }
        if let handle = known?.pointer ?? curl_easy_init() { return handle }
        handles.withLock { $0.active -= 1 }
        return nil
    }

    /// Keeps the handle, and frees those that were unused for longest and are too many.
    private func giveBack(_ handle: UnsafeMutableRawPointer) {
        let surplus = handles.withLock { handles -> [Handle] in
            handles.active -= 1
            handles.idle.append(Handle(pointer: handle))
            let surplus = max(0, handles.idle.count - max(Self.idleLimit, handles.active))
            defer { handles.idle.removeFirst(surplus) }
            return Array(handles.idle.prefix(surplus))
        }
        for handle in surplus { curl_easy_cleanup(handle.pointer) }
    }

    /// For tests.
    var idleHandles: Int { handles.withLock { $0.idle.count } }

    private func configure(
        _ handle: UnsafeMutableRawPointer, _ request: HTTPRequest, _ transfer: HTTPTransfer
    ) -> UnsafeMutablePointer<curl_slist>? {
        _ = ccurl_set_string(handle, CURLOPT_URL, request.url.description)
        _ = ccurl_set_long(handle, CURLOPT_NOSIGNAL, 1)
        _ = ccurl_set_string(handle, CURLOPT_USERAGENT, settings.userAgent)
        _ = ccurl_set_long(handle, CURLOPT_FOLLOWLOCATION, 1)
        _ = ccurl_set_long(handle, CURLOPT_MAXREDIRS, 10)
        _ = ccurl_set_string(handle, CURLOPT_PROTOCOLS_STR, "http,https")
        // A redirect from TLS to plain HTTP would reveal what TLS protects.
        let redirects = request.url.scheme == .https ? "https" : "http,https"
        _ = ccurl_set_string(handle, CURLOPT_REDIR_PROTOCOLS_STR, redirects)
        _ = ccurl_set_long(
            handle, CURLOPT_CONNECTTIMEOUT, min(settings.connectTimeout, request.progressTimeout ?? .max))
        // Many small ranges may be requested at once.
        let isSmall = !request.ranges.isEmpty && request.ranges.allSatisfy { $0.count < 64 << 10 }
        _ = ccurl_set_long(handle, CURLOPT_BUFFERSIZE, isSmall ? 16 << 10 : 256 << 10)
        if !settings.verifyTLS {
            _ = ccurl_set_long(handle, CURLOPT_SSL_VERIFYPEER, 0)
            _ = ccurl_set_long(handle, CURLOPT_SSL_VERIFYHOST, 0)
        }
        if let file = settings.caFile {
            _ = ccurl_set_string(handle, CURLOPT_CAINFO, file)
            // Otherwise the system's directory would be searched too.
            _ = ccurl_set_string(handle, CURLOPT_CAPATH, nil)
        } else if let authorities = settings.certificates?.authorities, !authorities.isEmpty {
            // In addition to the system's, from CURLOPT_CAPATH.
            _ = authorities.withUnsafeBytes { ccurl_set_blob(handle, CURLOPT_CAINFO_BLOB, $0.baseAddress, $0.count) }
        } else if !readsAllAuthorities.load(ordering: .relaxed) {
            _ = ccurl_set_string(handle, CURLOPT_CAINFO, nil)
        }
        if let file = settings.clientCertificate ?? settings.certificates?.clientCertificate {
            _ = ccurl_set_string(handle, CURLOPT_SSLCERT, file)
            _ = ccurl_set_string(handle, CURLOPT_SSLKEY, settings.clientKey ?? settings.certificates?.clientKey)
        }
        if let proxy = settings.proxy { _ = ccurl_set_string(handle, CURLOPT_PROXY, proxy) }
        if let hosts = settings.proxyExceptions { _ = ccurl_set_string(handle, CURLOPT_NOPROXY, hosts) }
        let ranges = request.ranges.lazy.filter { !$0.isEmpty }.map { "\($0.start)-\($0.end - 1)" }
        if !ranges.isEmpty { _ = ccurl_set_string(handle, CURLOPT_RANGE, ranges.joined(separator: ",")) }
        // libcurl sends credentials to the first host only.
        switch request.authorization {
        case .basic(let credentials)?:
            _ = ccurl_set_long(handle, CURLOPT_HTTPAUTH, Int(ccurl_auth_basic))
            _ = ccurl_set_string(handle, CURLOPT_USERNAME, credentials.user)
            _ = ccurl_set_string(handle, CURLOPT_PASSWORD, credentials.password)
        case .bearer(let token)?:
            _ = ccurl_set_long(handle, CURLOPT_HTTPAUTH, Int(ccurl_auth_bearer))
            _ = ccurl_set_string(handle, CURLOPT_XOAUTH2_BEARER, token)
        case nil: break
        }
        if let form = request.form {
            _ = ccurl_set_string(handle, CURLOPT_COPYPOSTFIELDS, FormEncoding.encode(form))
            // A redirect would send the form, which has a secret in it, elsewhere.
            _ = ccurl_set_long(handle, CURLOPT_FOLLOWLOCATION, 0)
        }
        var headers: UnsafeMutablePointer<curl_slist>?
        if !request.accept.isEmpty {
            headers = curl_slist_append(
                headers, "Accept: " + request.accept.map(\.description).joined(separator: ", "))
            _ = ccurl_set_list(handle, CURLOPT_HTTPHEADER, headers)
        }
        transfer.attach(to: handle)
        return headers
    }

    private static func failure(_ code: CURLcode, _ text: String) -> HTTPFailure {
        // libcurl's message quotes the URL, which may have a password in it.
        if text.hasPrefix("Unsupported proxy") {
            return .settings("the proxy's URL is invalid: check --proxy, $https_proxy, $http_proxy and $all_proxy")
        }
        return failure(of: code, text)
    }

    private static func failure(of code: CURLcode, _ text: String) -> HTTPFailure {
        switch code {
        case CURLE_ABORTED_BY_CALLBACK: .cancelled
        case CURLE_COULDNT_CONNECT: .refused(text)
        case CURLE_SSL_CONNECT_ERROR: .handshake(text)
        case CURLE_PEER_FAILED_VERIFICATION: .untrusted(text)
        case CURLE_SSL_CACERT_BADFILE, CURLE_SSL_CERTPROBLEM, CURLE_URL_MALFORMAT,
            CURLE_UNSUPPORTED_PROTOCOL, CURLE_TOO_MANY_REDIRECTS:
            .settings(text)
        default: .transport(text)
        }
    }
}
