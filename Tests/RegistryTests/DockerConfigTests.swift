// SPDX-License-Identifier: Apache-2.0
import OCI
import TestSupport
import Testing

@testable import Registry

@Suite struct DockerConfigTests {
    private let directory: TemporaryDirectory
    init() throws { directory = try TemporaryDirectory() }

    private func credentials(_ json: String?, _ host: String = "r.io:5000") throws -> BasicCredentials? {
        if let json { try writeFile(directory.path + "/config.json", Array(json.utf8)) }
        return try DockerConfig(environment: ["DOCKER_CONFIG": directory.path])
            .credentials(for: #require(RegistryHost(host)))
    }

    /// base64(1) says: user:pass:word is dXNlcjpwYXNzOndvcmQ=.
    static let good = [
        #"{"auths":{"r.io:5000":{"auth":"dXNlcjpwYXNzOndvcmQ="}}}"#,
        #"{"auths":{"r.io:5000":{"username":"user","password":"pass:word"}}}"#,
        #"{"auths":{"https://r.io:5000":{"auth":"dXNlcjpwYXNzOndvcmQ="}},"credsStore":"x","HttpHeaders":{}}"#,
        #"{"auths":{"https://r.io:5000/v1/":{"auth":"dXNlcjpwYXNzOndvcmQ="}}}"#,
        #"{"auths":{"http://r.io:5000/":{"auth":"dXNlcjpwYXNzOndvcmQ="},"r.io":{"auth":"eDp5"}}}"#,
        #"{"auths":{"https://r.io:5000":{"auth":"eDp5"},"r.io:5000":{"auth":"dXNlcjpwYXNzOndvcmQ="}}}"#,
    ]

    @Test(arguments: good) func found(_ json: String) throws {
        #expect(try credentials(json) == BasicCredentials(user: "user", password: "pass:word"))
    }

    static let without: [String?] = [
        nil, "{}", #"{"auths":{}}"#, #"{"auths":null}"#, #"{"auths":{"r.io":{"auth":"eDp5"}}}"#,
        #"{"auths":{"r.io:5000":{}}}"#, #"{"auths":{"r.io:5000":{"auth":""}}}"#,
        #"{"auths":{"xr.io:5000":{"auth":"eDp5"},"r.io:50000":{"auth":"eDp5"}}}"#, #"{"credsStore":"desktop"}"#,
    ]

    @Test(arguments: without) func noneForTheHost(_ json: String?) throws {
        #expect(try credentials(json) == nil)
    }

    /// Stands for JSON nested 100,000 deep, which would fill the log of the tests.
    private static let deep = "nested"
    static let bad = [
        "", "x", "[]", "{", #"{"auths":[]}"#, #"{"auths":{"r.io:5000":"x"}}"#,
        #"{"auths":{"r.io:5000":{"auth":"%%%"}}}"#, #"{"auths":{"r.io:5000":{"auth":"bm9jb2xvbg=="}}}"#,
        #"{"auths":{"r.io:5000":{"auth":12}}}"#, deep,
    ]

    @Test(arguments: bad) func unusable(_ json: String) throws {
        let json = json == Self.deep ? #"{"auths":"# + String(repeating: "[", count: 100_000) : json
        let error = #expect(throws: SourceError.self) { try credentials(json) }
        guard case .unusable(let reason)? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(reason.hasPrefix(directory.path + "/config.json: "))
        #expect(!reason.contains("%%%") && !reason.contains("bm9jb2xvbg"))
    }

    @Test func whereItIs() {
        #expect(DockerConfig(environment: ["HOME": "/h", "DOCKER_CONFIG": "/d"]).path == "/d/config.json")
        #expect(DockerConfig(environment: ["HOME": "/h", "DOCKER_CONFIG": ""]).path == "/h/.docker/config.json")
        #expect(DockerConfig(environment: [:]).path == nil)
    }

    @Test func thePasswordIsNeverPrinted() {
        let credentials = BasicCredentials(user: "user", password: "s3cret")
        #expect("\(credentials)" == "credentials of “user”")
        #expect(!String(describing: Optional(credentials)).contains("s3cret"))
        #expect(!String(reflecting: credentials).contains("s3cret"))
        var request = HTTPRequest(url: "u")
        request.credentials = credentials
        #expect(!"\(request)".contains("s3cret"))
        var dumped = ""
        dump(request, to: &dumped)
        #expect(!dumped.contains("s3cret"))
    }
}
