import AsyncHTTPClient
import Glibc
import NIOCore
import NIOPosix
import NIOSSL
import Synchronization

// Theory of operation
//
// AsyncHTTPClient as its documentation shows it: one client with a pool of connections, and a task for each of these
// that fetches one URL of the list after the other and reads its body to the end. The tasks run where Swift
// runs them: on the loops of SwiftNIO, as its take-over of the global executor offers, they cost more, not less.

@main
enum Rival {
  static func main() async throws {
    guard let options = Options(Array(CommandLine.arguments.dropFirst())) else { fail(64, Options.usage) }
    guard let list = URLList(path: options.list) else {
      fail(2, "cannot read \(options.list): \(String(cString: strerror(errno)))")
    }
    let group = MultiThreadedEventLoopGroup(numberOfThreads: options.threads)
    let client = HTTPClient(eventLoopGroupProvider: .shared(group), configuration: configuration(options))
    let fetching = Fetching(client: client, list: list, closes: options.closes)
    let reporting = options.reportSeconds.map { seconds in Task { await fetching.report(every: seconds) } }
    await withDiscardingTaskGroup { tasks in
      for _ in 0..<options.connections { tasks.addTask { await fetching.run() } }
    }
    reporting?.cancel()
    try await client.shutdown()
    try await group.shutdownGracefully()
    let errors = fetching.errors.load(ordering: .relaxed)
    print("requests \(fetching.requests.load(ordering: .relaxed)) errors \(errors)")
    exit(errors == 0 ? 0 : 1)
  }

  private static func configuration(_ options: Options) -> HTTPClient.Configuration {
    var tls = TLSConfiguration.makeClientConfiguration()
    tls.trustRoots = .file(options.authorities)
    var configuration = HTTPClient.Configuration(
      tlsConfiguration: tls,
      redirectConfiguration: .disallow,
      // Thousands of handshakes take a while.
      timeout: .init(connect: .seconds(60)),
      connectionPool: .init(
        idleTimeout: .seconds(60),
        concurrentHTTP1ConnectionsPerHostSoftLimit: options.connections
      ),
      decompression: .disabled
    )
    configuration.httpVersion = .http1Only
    return configuration
  }

  private static func fail(_ status: Int32, _ message: String) -> Never {
    say("async-http-client: \(message)")
    exit(status)
  }
}

/// Says a line on standard error; not by `stderr`, a variable that all threads may change.
func say(_ message: String) {
  let line = Array("\(message)\n".utf8)
  _ = line.withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count) }
}

/// What the tasks share.
final class Fetching: Sendable {
  let client: HTTPClient
  let list: URLList
  let closes: Bool
  let requests = Atomic(0)
  let errors = Atomic(0)

  init(client: HTTPClient, list: URLList, closes: Bool) {
    self.client = client
    self.list = list
    self.closes = closes
  }

  func run() async {
    while let url = list.next() {
      do {
        try await fetch(url)
        requests.add(1, ordering: .relaxed)
      } catch {
        // The first says what is wrong; a million more would say it no better.
        if errors.add(1, ordering: .relaxed).newValue == 1 { say("async-http-client: \(url): \(error)") }
      }
    }
  }

  private func fetch(_ url: String) async throws {
    var request = HTTPClientRequest(url: url)
    if closes { request.headers.add(name: "Connection", value: "close") }
    let response = try await client.execute(request, timeout: .seconds(60))
    guard response.status == .ok else { throw UnexpectedStatus(code: response.status.code) }
    for try await _ in response.body {}
  }

  func report(every seconds: Int) async {
    let clock = ContinuousClock()
    let start = clock.now
    for tick in 1... {
      do { try await clock.sleep(until: start + .seconds(tick * seconds)) } catch { return }
      say("\(tick * seconds) \(requests.load(ordering: .relaxed))")
    }
  }
}

struct UnexpectedStatus: Error {
  let code: UInt
}
