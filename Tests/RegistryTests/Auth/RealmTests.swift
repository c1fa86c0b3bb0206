// SPDX-License-Identifier: Apache-2.0
import OCI
import Testing

@testable import Registry

/// Which realms a password may be sent to.
@Suite struct RealmTests {
    @Test(arguments: [
        ("https://auth.docker.io/token", "docker.io", true),
        ("https://auth.docker.io/token", "registry-1.docker.io", true),
        ("https://gitlab.com/jwt/auth", "registry.gitlab.com", true),
        ("https://ghcr.io/token", "ghcr.io", true),
        ("https://GHCR.io/token", "ghcr.io", true),
        ("https://public.ecr.aws/token/", "public.ecr.aws", true),
        ("https://us-docker.pkg.dev/v2/token", "us-docker.pkg.dev", true),
        ("https://auth.example.co.uk/t", "registry.example.co.uk", true),
        ("http://127.0.0.1:5001/token", "127.0.0.1:5000", true),
        ("http://[::1]:5001/token", "[::1]:5000", true),
        ("http://localhost:5001/token", "localhost:5000", true),
        ("https://auth.team.jfrog.io/token", "team.jfrog.io", true),
        ("https://team.azurecr.io/oauth2/token", "team.azurecr.io", true),
        ("https://x.123.dkr.ecr.eu-west-1.amazonaws.com/", "123.dkr.ecr.eu-west-1.amazonaws.com", true),
        // Customers of one hosting domain.
        ("https://b.azurecr.io/oauth2/token", "a.azurecr.io", false),
        ("https://b.jfrog.io/token", "a.jfrog.io", false),
        ("https://jfrog.io/token", "a.jfrog.io", false),
        ("https://us-docker.pkg.dev/v2/token", "eu-docker.pkg.dev", false),
        ("https://b.cloudsmith.io/token", "a.cloudsmith.io", false),
        ("https://b.gitlab.io/token", "a.gitlab.io", false),
        ("https://b-x.a.run.app/token", "a-x.a.run.app", false),
        ("https://9.dkr.ecr.eu-west-1.amazonaws.com/", "1.dkr.ecr.eu-west-1.amazonaws.com", false),
        ("https://b.s3.amazonaws.com/", "1.dkr.ecr.eu-west-1.amazonaws.com", false),
        ("https://9.dkr.ecr.cn-north-1.amazonaws.com.cn/", "1.dkr.ecr.cn-north-1.amazonaws.com.cn", false),
        // Other sites.
        ("https://evil.co.uk/token", "a.co.uk", false),
        ("https://b.com/token", "a.com", false),
        ("https://docker.io.evil.com/token", "docker.io", false),
        ("https://evildocker.io/token", "docker.io", false),
        ("https://com/token", "a.com", false),
        ("https://127.0.0.2/token", "127.0.0.1", false),
        ("https://1.0.0.1/token", "9.0.0.1", false),
        ("https://[::2]/token", "[::1]", false),
        ("http://localhost/token", "127.0.0.1", false),
        ("https://auth/token", "registry:5000", false),
        ("https://auth.example..com/token", "registry.example.com", false),
        ("https://auth.a.co..uk/token", "registry.a.co.uk", false),
    ]) func belongs(_ url: String, _ registry: String, _ expected: Bool) throws {
        let realm = try #require(Realm(url))
        #expect(realm.belongs(to: try #require(RegistryHost(registry))) == expected)
    }

    @Test(arguments: [
        "", "token", "ftp://a.com/token", "//a.com/token", "https://:443/t", "http://[]:1/t", "https://",
        "https:///token", "https://user@a.com/token",
        "https://a.com@b.com/token", "https://a.com\\@b.com/token", "https://a com/token", "https://é.com/token",
        "https://?x", "file:///etc/passwd",
    ]) func isNone(_ url: String) { #expect(Realm(url) == nil) }

    @Test func whatItSays() throws {
        let secure = try #require(Realm("HTTPS://Auth.Example.com:8443/token?x=1"))
        #expect(secure.isSecure && secure.host == "auth.example.com")
        let plain = try #require(Realm("http://[::1]:80"))
        #expect(!plain.isSecure && plain.host == "[::1]")
    }

    @Test func forms() {
        #expect(FormEncoding.encode([]) == "")
        #expect(FormEncoding.encode([("a", "b"), ("c-._~", "d")]) == "a=b&c-._~=d")
        // Characters that would end a field or begin another.
        #expect(
            FormEncoding.encode([("scope", "repository:a/b:pull,push"), ("x", "&=+ %#\n")])
                == "scope=repository%3Aa%2Fb%3Apull%2Cpush&x=%26%3D%2B%20%25%23%0A")
        #expect(FormEncoding.encode([("é", "\u{1}")]) == "%C3%A9=%01")
    }
}
