import Foundation
import NameServer
import Testing

/// An origin on loopback, and a name server that says where its names are.
final class NamedOrigin {
  let sandbox: Sandbox
  let origin: Origin
  let names: NameServer

  /// `answer`: of the name server; nil: every name is 127.0.0.1.
  init(_ sandbox: Sandbox, _ answer: (@Sendable (Question) -> Response)? = nil) throws {
    self.sandbox = sandbox
    origin = try Origin(in: sandbox)
    // Not of those that the kernel gives to whoever connects: a server that goes away may want it back.
    names = try NameServer(port: UInt16(HeldPort.free()), answer ?? { .loopback(to: $0) })
  }

  func url(_ host: String, _ target: String = "/fixed/1") throws -> String {
    try origin.url(target, "http", host: host)
  }

  /// What agents are told.
  var options: [String] { ["--dns-servers", names.text] }

  /// Runs a job to its end.
  func fetch(_ rows: [String], _ options: [String] = [], expecting ending: Ending = .exit(0)) throws -> Job {
    try sandbox.fetch(rows, self.options + options, expecting: ending)
  }
}

extension Response {
  /// The address of the origin, for a short time or a long one.
  static func loopback(ttl: UInt32 = 60, to question: Question) -> Response {
    .addresses(["127.0.0.1"], ttl: ttl, to: question)
  }
}

/// What summary.json says of the resolver.
struct ResolverEffort: Decodable, Equatable {
  var queries, hits, failures, timeouts: Int

  /// Of a job that has ended.
  init(of job: Job) throws {
    struct Summary: Decodable {
      struct Effort: Decodable { var resolver: ResolverEffort }

      var effort: Effort
    }
    let file = "\(job.directory)/summary.json"
    guard let data = FileManager.default.contents(atPath: file) else {
      throw Trouble("there is no \(file); the coordinator said: \(job.program.errorText.suffix(2_000))")
    }
    self = try JSONDecoder().decode(Summary.self, from: data).effort.resolver
  }
}
