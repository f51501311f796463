// The program `origin`: options in, one line of JSON with the bound ports out, then serving until told to stop.

import ArgumentParser
import Glibc
import OriginServer

@main
struct Origin: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "origin",
    abstract: "An HTTP(S) server with scripted answers and faults, for demos and tests."
  )

  @Option(help: ArgumentHelp("Where HTTPS listens; port 0 lets the kernel choose.", valueName: "host:port"))
  var listen = SocketAddress(host: "127.0.0.1", port: 0)

  @Option(help: ArgumentHelp("Where plain HTTP listens.", valueName: "host:port"))
  var plain = SocketAddress(host: "127.0.0.1", port: 0)

  @Option(help: "Where ca.pem, leaf.pem, leaf.key and at last ports.json are written.")
  var directory: String?

  @Option(help: "Accepting threads. Every connection has a thread of its own besides.")
  var workers = 1

  @Option(help: ArgumentHelp("The highest TLS version offered, from 1.0 to 1.3.", valueName: "version"))
  var tlsMax = TLSVersion.tls13

  @Option(
    help: ArgumentHelp(
      "Connections count in open_sustained_max once they were open together for so long.",
      valueName: "milliseconds"
    )
  )
  var overlap = 50

  @Option(help: ArgumentHelp("The origin ends by itself after so long.", valueName: "seconds"))
  var lifetime = 3_600

  @Flag(help: "End when standard input ends, so that a test that dies leaves nothing behind.")
  var untilStdinCloses = false

  func validate() throws {
    guard (1...64).contains(workers) else { throw ValidationError("--workers must be from 1 to 64") }
    guard (0...3_600_000).contains(overlap) else { throw ValidationError("--overlap must be from 0 to 3600000") }
    guard (1...31_536_000).contains(lifetime) else { throw ValidationError("--lifetime must be from 1 to 31536000") }
  }

  func run() throws {
    do throws(OriginError) {
      let process = try ProcessLifetime()
      raiseDescriptorLimit()
      var options = OriginOptions()
      options.listen = listen
      options.plain = plain
      options.directory = directory
      options.workers = workers
      options.highestTLS = tlsMax
      options.overlap = .milliseconds(overlap)
      let server = try OriginServer(options)
      print(server.portsJSON)
      // Standard output is often a pipe, where nothing would leave before the buffer is full.
      fflush(nil)
      _ = process.wait(seconds: lifetime, untilInputCloses: untilStdinCloses)
      server.stop()
    } catch {
      let message = Array("origin: \(error)\n".utf8)
      write(STDERR_FILENO, message, message.count)
      throw ExitCode(2)
    }
  }
}

/// Takes as many descriptors as the system allows: each connection needs one, and 1024 is a common first limit.
private func raiseDescriptorLimit() {
  var limit = rlimit()
  let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
  guard getrlimit(resource, &limit) == 0 else { return }
  limit.rlim_cur = limit.rlim_max
  _ = setrlimit(resource, &limit)
}

extension SocketAddress: ExpressibleByArgument {
  public init?(argument: String) {
    guard let address = try? SocketAddress(argument) else { return nil }
    self = address
  }
}

extension TLSVersion: ExpressibleByArgument {}
