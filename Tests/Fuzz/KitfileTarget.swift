// SPDX-License-Identifier: Apache-2.0
import FoundationEssentials

@testable import ModelKit

extension FuzzTarget {
    /// A kit's config. Its YAML must parse, with libyaml, to the same values.
    static let kitfile = FuzzTarget(
        name: "kitfile", seeds: { KitfileReadings.seeds.map { Array($0.utf8) } }
    ) { bytes in
        guard let kitfile = KitfileReadings.parse(bytes) else { return }
        require(
            (try? JSONDecoder().decode(KitfileReadings.AnyJSON.self, from: Data(bytes))) != nil,
            "no JSON, and taken for it")
        require(kitfile.elements.count <= bytes.count, "more elements than bytes")
        guard let yaml = try? kitfile.yaml() else { return }
        let expected = Kitfile.withoutLayers(kitfile.value)
        do {
            let read = try YAMLReader.read(yaml)
            require(
                KitfileReadings.isSame(read, expected),
                "\(String(decoding: yaml, as: UTF8.self)) is \(read), not \(expected)")
        } catch let failure as YAMLReader.Failure {
            fatalError("\(failure.reason): \(String(decoding: yaml, as: UTF8.self))")
        }
    }
}

enum KitfileReadings {
    /// Accepts whatever another reader accepts as JSON.
    struct AnyJSON: Decodable { init(from decoder: any Decoder) {} }

    static func parse(_ bytes: [UInt8]) -> Kitfile? {
        do throws(ModelKitError) {
            return try Kitfile(parsing: bytes)
        } catch {
            require(!error.description.isEmpty, "an error without words")
            return nil
        }
    }

    /// Numbers are compared by value: in JSON, 1.0 and 1 are one number.
    static func isSame(_ left: JSONValue, _ right: JSONValue) -> Bool {
        switch (left, right) {
        case (.array(let left), .array(let right)): left.count == right.count && zip(left, right).allSatisfy(isSame)
        case (.object(let left), .object(let right)):
            left.count == right.count && left.allSatisfy { key, value in right[key].map { isSame(value, $0) } ?? false }
        case (.string(let left), .string(let right)): left.utf8.elementsEqual(right.utf8)
        default: left == right || number(left).map { $0 == number(right) } ?? false
        }
    }

    private static func number(_ value: JSONValue) -> Double? {
        switch value {
        case .integer(let value): Double(value)
        case .unsigned(let value): Double(value)
        case .number(let value): value
        default: nil
        }
    }

    static let seeds = [
        #"{"a":"yes","b":"1.0","c":"~","d":"2024-01-01","e":" x ","f":"a: b # c","g":"","h":"-","i":"'\"\\"}"#,
        #"{"n":[1,-1,1.5,1e30,1e-7,18446744073709551615,9223372036854775807,123456789012345678901234567890]}"#,
        #"{"u":"\u0000\u001f\u007f\u0085\u00a0\u2028\ufeff\ud83d\ude00\r\n\t","é":"e\u0301"}"#,
        #"{"[":["[",{"{":[[],{}]}],"k":null,"t":true,"f":false,"code":[{"digest":"x","diffId":"y"}]}"#,
    ]
}
