// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <curl/curl.h>

// Swift cannot call variadic functions: one shim for each type of argument that we pass.
static inline CURLcode ccurl_set_long(CURL *handle, CURLoption option, long value) {
    return curl_easy_setopt(handle, option, value);
}
static inline CURLcode ccurl_set_string(CURL *handle, CURLoption option, const char *value) {
    return curl_easy_setopt(handle, option, value);
}
static inline CURLcode ccurl_set_pointer(CURL *handle, CURLoption option, void *value) {
    return curl_easy_setopt(handle, option, value);
}
/// libcurl keeps a copy.
static inline CURLcode ccurl_set_blob(CURL *handle, CURLoption option, const void *data, size_t count) {
    struct curl_blob blob = {.data = (void *)data, .len = count, .flags = CURL_BLOB_COPY};
    return curl_easy_setopt(handle, option, &blob);
}
static inline CURLcode ccurl_set_list(CURL *handle, CURLoption option, struct curl_slist *value) {
    return curl_easy_setopt(handle, option, value);
}
typedef size_t (*ccurl_data_callback)(char *data, size_t size, size_t count, void *context);
static inline CURLcode ccurl_set_data_callback(CURL *handle, CURLoption option, ccurl_data_callback value) {
    return curl_easy_setopt(handle, option, value);
}
typedef int (*ccurl_progress_callback)(
    void *context, curl_off_t to_load, curl_off_t loaded, curl_off_t to_send, curl_off_t sent);
static inline CURLcode ccurl_set_progress_callback(CURL *handle, ccurl_progress_callback value) {
    return curl_easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, value);
}
// Macros with a cast in them, which Swift does not import.
static const unsigned long ccurl_auth_basic = CURLAUTH_BASIC;
static const unsigned long ccurl_auth_bearer = CURLAUTH_BEARER;
/// Where the last of a chain of redirects led; NULL if there was none. libcurl's memory, until the next request.
static inline const char *ccurl_redirected_to(CURL *handle) {
    long count = 0;
    char *url = NULL;
    curl_easy_getinfo(handle, CURLINFO_REDIRECT_COUNT, &count);
    if (count > 0) curl_easy_getinfo(handle, CURLINFO_EFFECTIVE_URL, &url);
    return url;
}
static inline long ccurl_response_code(CURL *handle) {
    long code = 0;
    curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &code);
    return code;
}
