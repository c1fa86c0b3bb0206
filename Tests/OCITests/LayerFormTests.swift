// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import OCI

@Suite struct LayerFormTests {
    @Test(arguments: [
        ("tar", LayerForm(.tar), "tar"), ("tar+gzip", LayerForm(.tar, .gzip), "tar+gzip"),
        ("tar+gzip-fastest", LayerForm(.tar, .gzip), "tar+gzip"), ("tar+zstd", LayerForm(.tar, .zstd), "tar+zstd"),
        ("raw", LayerForm(.raw), "raw"), ("raw+gzip", LayerForm(.raw, .gzip), "raw+gzip"),
        ("raw+zstd", LayerForm(.raw, .zstd), "raw+zstd"),
    ]) func read(_ text: String, _ form: LayerForm, _ printed: String) {
        #expect(LayerForm(text) == form)
        #expect(form.description == printed)
    }

    @Test(arguments: ["", "+", "tar+", "+gzip", "TAR", "tar+xz", "tar+gzip+zstd", "tar gzip", "zip", "tar+gzip-best"])
    func refused(_ text: String) {
        #expect(LayerForm(text) == nil)
    }

    @Test func formsDiffer() {
        #expect(LayerForm(.tar) != LayerForm(.raw))
        #expect(LayerForm(.tar) != LayerForm(.tar, .gzip))
        #expect(LayerForm(.tar, .zstd) != LayerForm(.tar, .gzip))
    }
}
