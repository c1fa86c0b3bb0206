// SPDX-License-Identifier: Apache-2.0
internal import OCI

extension RegistryHost {
    /// Whether it names this machine.
    var isLoopback: Bool {
        // Only a whole address counts: 127.0.0.1.example.com may be any machine.
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        let isIPv4 = parts.count == 4 && parts.allSatisfy { UInt8($0) != nil }
        return name == "localhost" || isIPv4 && parts[0] == "127" || name == "[::1]"
    }
}
