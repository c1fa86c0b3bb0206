// SPDX-License-Identifier: Apache-2.0
internal import OCI

/// A GET, or a POST of a form, which some token servers require.
struct HTTPRequest {
    let url: HTTPURL
    var accept: [MediaType] = []
    /// Offsets in the resource; empty for all of it.
    var ranges: [ByteRange] = []
    var authorization: Authorization?
    /// Fields of a form to POST; nil for a GET.
    var form: [(String, String)]?
    /// Seconds without a byte after which to give up, if the client's own limits are longer.
    var progressTimeout: Int?
}
