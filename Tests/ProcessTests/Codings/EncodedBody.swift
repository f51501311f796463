import Foundation
import Testing

/// A program that applies a coding, as Debian packages it.
struct Encoder: CustomTestStringConvertible {
  /// As Content-Encoding names it.
  var coding: String
  /// What the shell runs, from standard input to standard output.
  var command: String

  static let gzip = Encoder(coding: "gzip", command: "gzip -nc")
  static let brotli = Encoder(coding: "br", command: "brotli -c --lgwin=22 -q 5 -")
  static let zstd = Encoder(coding: "zstd", command: "zstd -qc")
  static let zlib = Encoder(coding: "deflate", command: python("15"))
  /// RFC 1951 alone, as many servers understand "deflate".
  static let rawDeflate = Encoder(coding: "deflate", command: python("-15"))

  static let all = [gzip, brotli, zstd, zlib, rawDeflate]

  /// libz, for no tool of the system writes these forms.
  private static func python(_ windowBits: String) -> String {
    let lines = "import sys, zlib; c = zlib.compressobj(6, zlib.DEFLATED, \(windowBits)); o = sys.stdout.buffer; "
    let loop = "[o.write(c.compress(b)) for b in iter(lambda: sys.stdin.buffer.read(1 << 20), b'')]; o.write(c.flush())"
    return "python3 -c \"\(lines)\(loop)\""
  }

  var testDescription: String { self.command.hasPrefix("python3") ? "\(coding) by libz" : command }
}

/// Texts, as they are before coding.
enum Plain {
  /// So many lines of a page that compresses as pages do.
  static func page(lines: Int) -> [UInt8] {
    var text = ""
    for line in 0..<lines {
      let number = UInt64(line) &* 0x9E37_79B9_7F4A_7C15
      text +=
        "<li class=\"entry\"><a href=\"/items/\(number >> 40)\">item \(line)</a> costs \(number >> 52) euros</li>\n"
    }
    return Array(text.utf8)
  }
}

extension Sandbox {
  /// What encoders make of a body, the first of them first.
  func encode(_ plain: some DataProtocol, _ encoders: Encoder...) throws -> [UInt8] {
    try encode(try write(fresh("plain"), Data(plain)), encoders.map(\.command))
  }

  /// What a pipeline makes of so many zeros, which nobody has to keep.
  func encode(zeros mebibytes: Int, _ commands: [String]) throws -> [UInt8] {
    try encode("/dev/null", ["head -c \(mebibytes)M /dev/zero"] + commands)
  }

  /// Of a body that is too large for `Digest`.
  func sha256(of plain: Data) throws -> String {
    let text = try encode(plain, Encoder(coding: "", command: "sha256sum"))
    return String(decoding: text.prefix { $0 != UInt8(ascii: " ") }, as: UTF8.self)
  }

  private func encode(_ file: String, _ commands: [String]) throws -> [UInt8] {
    let output = "\(path)/\(fresh("encoded"))"
    let pipeline = commands.joined(separator: " | ")
    // A shell that tells if any of them fails.
    try runTool("/bin/bash", ["-o", "pipefail", "-c", "{ \(pipeline); } <'\(file)' >'\(output)'"])
    guard let data = FileManager.default.contents(atPath: output) else { throw Trouble("\(pipeline) wrote nothing") }
    return Array(data)
  }
}
