// SPDX-License-Identifier: Apache-2.0
private import CCurl

/// libcurl as a whole, which is set up once in a process, before its first handle.
enum CurlLibrary {
    /// Why it cannot be used; nil if it can.
    static let setUpFailure: String? = {
        let code = curl_global_init(Int(CURL_GLOBAL_DEFAULT))
        return code == CURLE_OK ? nil : String(cString: curl_easy_strerror(code))
    }()
}
