// SPDX-License-Identifier: Apache-2.0
import TestSupport
import Testing

/// Sources/README.md, the architecture, is true: its arrows are those of Package.swift, and the names in it exist.
@Suite struct ArchitectureTests {
    private let page: ArchitecturePage
    private let sources: SourceNames
    private let tests: SourceNames

    init() throws {
        page = ArchitecturePage(try Documents.text(ArchitecturePage.name))
        sources = try SourceNames.sources.get()
        tests = try SourceNames.tests.get()
    }

    @Test func arrowsAreThoseOfThePackage() throws {
        let package = try PackageTargets(Documents.text("Package.swift"))
        let arrows = try page.arrows()
        #expect(
            package.order.count > 15 && package.dependencies["kitfs"]?.isEmpty == false, "Package.swift was not read")
        for target in Set(package.order).union(arrows.keys).sorted() {
            #expect(arrows[target] == package.dependencies[target], "\(target)")
        }
    }

    @Test func arrowsPointDown() throws {
        let arrows = try page.arrows()
        let order = try page.order()
        for (place, target) in order.enumerated() {
            for other in arrows[target, default: []] {
                let below = order[(place + 1)...].contains(other)
                #expect(below, "\(target) depends on \(other), which is not below it")
            }
        }
    }

    /// The names that the page lists as not written yet. A line of that table is removed when its type exists.
    private func toCome() throws -> Set<String> {
        guard page.text.contains("<!-- to come -->") else { return [] }
        let rows = try page.table("to come")
        let names = rows.flatMap { ArchitecturePage.names(in: $0[0]) }
        #expect(names.count == rows.count)
        for row in rows {
            for name in ArchitecturePage.names(in: row[0]) {
                let hasCome = sources.has(name)
                #expect(!hasCome, "\(name) has come: take its line out of 'Being built' in \(ArchitecturePage.name)")
            }
            for name in ArchitecturePage.names(in: row[2]) {
                let isThere = sources.has(name)
                #expect(isThere, "\(name), where \(row[0]) is today")
            }
        }
        return Set(names)
    }

    @Test func whatIsNamedIsThere() throws {
        let toCome = try toCome()
        let names = Set(page.names).subtracting(toCome)
        let targets = try PackageTargets(Documents.text("Package.swift")).order
        #expect(names.count > 30, "names are not found: \(names)")
        for name in names.sorted() where !targets.contains(name) {
            let isThere = sources.has(name) || tests.has(name)
            #expect(isThere, "\(ArchitecturePage.name) names \(name)")
        }
    }

    @Test func eachInvariantHasATypeAndATest() throws {
        let rows = try page.table("invariants")
        #expect(rows.map { $0[0] } == (1...12).map(String.init))
        let toCome = try toCome()
        for row in rows {
            let types = ArchitecturePage.names(in: row[2])
            let shown = ArchitecturePage.names(in: row[3])
            #expect(!types.isEmpty && !shown.isEmpty, "invariant \(row[0])")
            for name in types {
                let isThere = sources.has(name) || toCome.contains(name)
                #expect(isThere, "invariant \(row[0]): no type \(name)")
            }
            for name in shown {
                let isThere = name.prefix { $0 != "." }.hasSuffix("Tests") && tests.has(name)
                #expect(isThere, "invariant \(row[0]): no test \(name)")
            }
        }
    }

    @Test func whatIsMissingIsSeen() throws {
        let directory = try TemporaryDirectory()
        let text =
            "struct Tower {\n  func ring() {}\n}\nextension Steeple {\n  var bell: Int { 1 }\n}\n// struct Ruin\n"
        try writeFile(directory.path + "/Tower.swift", Array(text.utf8))
        let sample = try SourceNames(below: directory.path)
        #expect(sample.has("Tower") && sample.has("Tower.ring") && !sample.has("Tower.fall"))
        #expect(!sample.has("Steeple") && !sample.has("Steeple.bell") && !sample.has("Ruin"))
        let names = ArchitecturePage.names(in: "`Tower.ring` and `EIO`, `state`, `Package.swift`, `Tower`")
        #expect(names == ["Tower.ring", "Tower"])
        let targets = try PackageTargets(
            """
            .target(name: "A", dependencies: ["B", other], swiftSettings: strict),
            .testTarget(name: "T", dependencies: ["A"]), .systemLibrary(name: "B"),
            .target(name: "S", dependencies: ["A"], path: "Tests/S"),
            """)
        #expect(targets.order == ["A", "B"] && targets.dependencies == ["A": ["B"], "B": []])
        let page = ArchitecturePage(
            "<!-- arrows -->\n```\nA: B, C\nB:\n```\n<!-- t -->\n| a | b |\n| --- | --- |\n| 1 | `X` |\n\n")
        #expect(try page.arrows() == ["A": ["B", "C"], "B": []])
        #expect(try page.order() == ["A", "B"])
        #expect(try page.table("t") == [["1", "`X`"]])
        #expect(throws: TestSupportError.self) { try page.table("other") }
    }
}
