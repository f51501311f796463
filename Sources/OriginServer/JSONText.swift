// The little JSON the origin writes: one object a line, no reader. Foundation is not worth its weight here.

/// One JSON object being written, fields in the order given.
package struct JSONText: Sendable {
  private var fields: [String] = []

  package init() {}

  package mutating func add(_ name: String, _ value: Int) {
    addRaw(name, String(value))
  }

  package mutating func add(_ name: String, _ value: String) {
    addRaw(name, Self.quoted(value))
  }

  package mutating func add(_ name: String, _ value: JSONText) {
    addRaw(name, value.text)
  }

  /// Adds text that is JSON already.
  package mutating func addRaw(_ name: String, _ json: String) {
    fields.append("\(Self.quoted(name)):\(json)")
  }

  /// The object, without a newline.
  package var text: String { "{\(fields.joined(separator: ","))}" }

  /// `text` as a JSON string, quotes included.
  package static func quoted(_ text: String) -> String {
    var quoted = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": quoted += "\\\""
      case "\\": quoted += "\\\\"
      case "\n": quoted += "\\n"
      case "\r": quoted += "\\r"
      case "\t": quoted += "\\t"
      case "\u{0}"..<"\u{20}":
        let digits = String(scalar.value, radix: 16)
        quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: quoted.unicodeScalars.append(scalar)
      }
    }
    return quoted + "\""
  }
}
