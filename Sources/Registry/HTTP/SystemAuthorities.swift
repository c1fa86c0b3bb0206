// SPDX-License-Identifier: Apache-2.0
private import CCurl
private import Glibc
internal import OCI

/// The authorities that the system trusts: a file of all of them, which takes 30 ms to read for each connection, and on
/// most systems a directory in which OpenSSL finds one by its name.
enum SystemAuthorities {
    /// Whether OpenSSL can search the directory that libcurl was built with.
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

    /// Whether a name is one of openssl-rehash(1): eight hexadecimal digits, a point and a number.
    private static func isHashed(_ name: [UInt8]) -> Bool {
        let parts = name.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        return parts.count == 2 && parts[0].count == 8 && parts[0].allSatisfy(\.isLowercaseHexDigit)
            && !parts[1].isEmpty && parts[1].allSatisfy(\.isDigit)
    }
}
