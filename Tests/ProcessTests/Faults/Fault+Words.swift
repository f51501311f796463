// How a table of faults spells what the origin plays.

extension Fault {
  /// A head that announces five bytes.
  static let five = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"
  /// A head whose body ends with the connection.
  static let untilClose = "HTTP/1.1 200 OK\r\n\r\n"
  static let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

  /// The target of an answer that is spelled word by word.
  static func play(_ words: [String]) -> String { "/play/" + words.joined(separator: "/") }

  static func send(_ text: String) -> String { "send-" + text.hexadecimal }
  static func flood(_ text: String) -> String { "flood-" + text.hexadecimal }
  static func again(_ times: Int, _ text: String) -> String { "again-\(times)-" + text.hexadecimal }
  static func pieces(of size: Int, every milliseconds: Int, _ text: String) -> String {
    "pieces-\(size)-\(milliseconds)-" + text.hexadecimal
  }
  /// Under TLS.
  static func below(_ digits: String) -> String { "below-" + digits }
}
