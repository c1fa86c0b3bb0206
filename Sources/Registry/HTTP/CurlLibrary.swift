// SPDX-License-Identifier: Apache-2.0
private import CCurl

/// Global state of libcurl, which must be initialised once in a process, before the first handle.
enum CurlLibrary {
    /// Why initialisation failed; nil if it did not.
    static let setUpFailure: String? = {
        let code = curl_global_init(Int(CURL_GLOBAL_DEFAULT))
        return code == CURLE_OK ? nil : String(cString: curl_easy_strerror(code))
    }()
}
