import Foundation

/// The TCP sockets of a network, as proc(5) shows them.
enum SocketTable {
  enum State: String {
    case established = "01"
    case connecting = "02"
  }

  struct Entry {
    /// As the kernel writes it: of 127.0.0.2 it is 0200007F.
    let localAddress: Substring
    let remotePort: Int
    /// nil for what no test asks for.
    let state: State?
  }

  /// `table`: tcp or tcp6, of the network that this thread is in.
  static func read(_ table: String) -> [Entry] {
    // Not by FileManager, which takes the first page for the whole file.
    let text = (try? FileHandle(forReadingAtPath: "/proc/thread-self/net/\(table)")?.readToEnd()) ?? Data()
    return String(decoding: text, as: UTF8.self).split(separator: "\n").dropFirst().compactMap { line in
      // Columns: number, local address, remote address, state.
      let columns = line.split(separator: " ")
      guard columns.count > 3, let address = columns[1].split(separator: ":").first,
        let port = columns[2].split(separator: ":").last.flatMap({ Int($0, radix: 16) })
      else { return nil }
      return Entry(localAddress: address, remotePort: port, state: State(rawValue: String(columns[3])))
    }
  }
}
