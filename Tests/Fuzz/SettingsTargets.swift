// SPDX-License-Identifier: Apache-2.0
import OCI

@testable import Registry

extension FuzzTarget {
    /// The containers tools' `registries.conf`.
    static let registries = FuzzTarget(
        name: "registries", seeds: { SettingsReadings.registries.map { Array($0.utf8) } }
    ) { bytes in
        let path = try FuzzPlace.keep(bytes, as: "settings")
        do throws(SourceError) {
            let settings = try RegistriesConfiguration(environment: ["CONTAINERS_REGISTRIES_CONF": path])
            for (host, repository) in SettingsReadings.places {
                let endpoints = try settings.endpoints(host, repository)
                require(!endpoints.isEmpty, "nowhere to ask")
            }
        } catch { require(!error.description.isEmpty, "an error without words") }
    }

    /// `auth.json`. No credential helper runs, since there is no PATH to find one in.
    static let authFile = FuzzTarget(
        name: "authfile", seeds: { SettingsReadings.authFiles.map { Array($0.utf8) } }
    ) { bytes in
        let store = CredentialStore(authFile: try FuzzPlace.keep(bytes, as: "settings"), environment: [:])
        for (host, repository) in SettingsReadings.places {
            do throws(SourceError) {
                _ = try store.credential(for: host, repository)
            } catch { require(!error.description.isEmpty, "an error without words") }
        }
    }
}

enum SettingsReadings {
    static let places: [(RegistryHost, Repository)] = [
        ("docker.io", "busybox"), ("ghcr.io", "team/a/model"), ("127.0.0.1:5055", "plain-small"),
    ].compactMap { host, repository in
        guard let host = RegistryHost(host), let repository = Repository(repository) else { return nil }
        return (host, repository)
    }

    static let registries = [
        "[[registry]]\nprefix = \"ghcr.io/team\"\nlocation = \"mirror.local:5000/team\"\ninsecure = true\n"
            + "[[registry.mirror]]\nlocation = \"a.local\"\npull-from-mirror = \"digest-only\"\n",
        "[[registry]]\nprefix = \"*.io\"\nblocked = true\n", "[[registry]]\nlocation = \"docker.io\"\n",
        "[registries]\nsearch = ['x']\n", "unqualified-search-registries = [\"docker.io\"]\nshort-name-mode = 'x'\n",
    ]

    static let authFiles = [
        #"{"auths":{"ghcr.io":{"auth":"dXNlcjpwYXNz"},"https://index.docker.io/v1/":{"username":"u","password":"p"}}}"#,
        #"{"auths":{"ghcr.io/team":{"identitytoken":"t"},"127.0.0.1:5055":{"auth":"dQ=="}},"credsStore":"secret"}"#,
        #"{"credHelpers":{"ghcr.io":"x"}}"#,
    ]
}
