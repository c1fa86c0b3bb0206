// SPDX-License-Identifier: Apache-2.0
private import CCurl
private import Glibc
internal import OCI

/// Where the system keeps the authorities that it trusts: a file of all of them, which takes 30 ms to read for each
/// connection, and most often a directory in which the one that is needed is found by its name.
enum SystemAuthorities {
    /// Whether the directory that libcurl was built to look in is one that OpenSSL can search.
    static let isDirectorySearchable: Bool = {
        guard let version = curl_version_info(CURLVERSION_SEVENTH),
            version.pointee.age.rawValue >= CURLVERSION_SEVENTH.rawValue,
            let path = version.pointee.capath, let directory = opendir(path)
        else { return false }
        defer { closedir(directory) }
        while let entry = readdir(directory) {
            if isHashed(withUnsafeBytes(of: entry.pointee.d_name) { Array($0.prefix { $0 != 0 }) }) { return true }
        }
        return false
    }()

    /// Eight hexadecimal digits, a point and a number: what openssl-rehash(1) makes.
    private static func isHashed(_ name: [UInt8]) -> Bool {
        let parts = name.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        return parts.count == 2 && parts[0].count == 8 && parts[0].allSatisfy(\.isLowercaseHexDigit)
            && !parts[1].isEmpty && parts[1].allSatisfy(\.isDigit)
    }
}
