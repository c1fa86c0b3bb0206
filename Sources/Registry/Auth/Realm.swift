// SPDX-License-Identifier: Apache-2.0
internal import OCI

/// The server that gives tokens for a registry.
struct Realm: Equatable {
    let url: HTTPURL
    var isSecure: Bool { url.scheme == .https }
    /// Without port, in lower case.
    var host: String { url.host }

    /// nil for anything but an http or https URL.
    init?(_ text: String) {
        guard let url = HTTPURL(text) else { return nil }
        self.url = url
    }

    /// Hosting domains, below which each name is another customer's, with the number of labels of one customer's site.
    /// A password must not be sent to another customer.
    private static let hostingDomains = [
        // ACCOUNT.dkr.ecr.REGION.amazonaws.com
        "amazonaws.com": 6, "amazonaws.com.cn": 7,
        "azurecr.cn": 3, "azurecr.io": 3, "azurecr.us": 3, "azurewebsites.net": 3, "cloudsmith.io": 3, "fly.dev": 3,
        "gitlab.io": 3, "herokuapp.com": 3, "jfrog.io": 3, "ngrok.app": 3, "ngrok.io": 3, "ngrok-free.app": 3,
        "onrender.com": 3, "pkg.dev": 3, "a.run.app": 4,
    ]

    /// The number of labels of the site of a name: two, three below suffixes such as co.uk, more below hosting domains.
    private static func siteLength(_ labels: [Substring]) -> Int {
        for count in [2, 3] where labels.count >= count {
            if let length = hostingDomains[labels.suffix(count).joined(separator: ".")] { return length }
        }
        let isShortSuffix = labels[labels.count - 1].count == 2 && labels[labels.count - 2].count <= 3
        return isShortSuffix ? 3 : 2
    }

    /// Whether a registry's password may be sent here: to the same host, or one of the same site, as auth.docker.io is
    /// of registry-1.docker.io. Addresses have no site.
    func belongs(to registry: RegistryHost) -> Bool {
        let other = registry.endpoint.name.lowercased()
        if host == other { return true }
        let isAddress = { (name: String) in
            name.hasPrefix("[") || name.utf8.allSatisfy { $0 == UInt8(ascii: ".") || $0.isDigit }
        }
        guard !isAddress(host), !isAddress(other) else { return false }
        let labels = host.split(separator: ".", omittingEmptySubsequences: false)
        let otherLabels = other.split(separator: ".", omittingEmptySubsequences: false)
        guard labels.count >= 2, otherLabels.count >= 2 else { return false }
        let needed = Self.siteLength(labels)
        return labels.count >= needed && otherLabels.count >= needed
            && labels.suffix(needed).elementsEqual(otherLabels.suffix(needed))
    }
}
