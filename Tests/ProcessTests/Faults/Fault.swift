/// What HTTP is spoken over.
enum Transport: String, CaseIterable, CustomStringConvertible {
  case tls12 = "1.2"
  case tls13 = "1.3"
  case plain

  var description: String { self == .plain ? "plain" : "TLS \(rawValue)" }
  static let tls: Set<Transport> = [.tls12, .tls13]
}

/// One thing that a server does wrong, and what the record of it has to say.
struct Fault {
  /// The time limits of the job that it is played in.
  enum Limits: CaseIterable {
    /// Such that nothing but the fault ends a row, on a busy machine, too.
    case wide
    /// A second for connecting, the first byte and each silence. Well-behaved rows have to do with it, too, on a busy
    /// machine.
    case narrow
    /// No transfer may stay below a speed.
    case speed
    /// Every request has a body that is more than the kernel takes of what nobody reads, and a second of silence is too
    /// much.
    case upload

    var options: [String] {
      switch self {
      case .wide: ["--connect-timeout", "15"] + whole
      case .narrow: ["--connect-timeout", "1", "--first-byte-timeout", "1", "--idle-timeout", "1"] + whole
      case .speed: ["--speed-limit", "1000", "--speed-time", "0.5"] + whole
      case .upload: ["--connect-timeout", "15", "--idle-timeout", "\(seconds)", "--data", "@upload"] + whole
      }
    }

    /// No fault ends by this one, so it is only there to be larger than what a row takes.
    private var whole: [String] { ["--max-time", "\(20 * patience)"] }

    /// What a row with a fault that lasts takes, in seconds.
    var seconds: Double {
      switch self {
      case .speed: 0.5
      case .wide, .narrow: 1
      case .upload: patience
      }
    }

    /// How much larger than at the beginning the agent may be at its largest. Of freed request bodies some stay with
    /// the allocator.
    var allowedGrowth: Int { self == .upload ? 48 << 20 : 16 << 20 }
  }

  /// Where the job cuts bodies off: more than an agent may grow, unless it is too slow for that.
  static let largestBody = Int(40_000_000 / patience)

  let name: String
  /// A listener of the origin; nil is the one that well-behaved rows go to as well.
  var listener: String?
  /// What the name to be indicated spells.
  var handshake: [String]?
  var target = "/fixed/5"
  /// Nil is the job's.
  var method: String?
  /// The request says that it is the last one.
  var asksToClose = false
  var transports = Set(Transport.allCases)
  var limits = Limits.wide
  /// The row's own limit on the whole, in seconds.
  var timeout: Double?
  /// What the record may say, as `Record.gist` puts it; `*` for a number of bytes that nobody can know.
  var gists: [String]
  /// Whether the connection is good for the next request.
  var keepsConnection = false
  /// How often the origin has to have seen the request; nil if nobody counts.
  var hits: Int?

  init(_ name: String, gives gists: String...) {
    self.name = name
    self.gists = gists
  }

  func with(_ change: (inout Fault) -> Void) -> Fault {
    var fault = self
    change(&fault)
    return fault
  }

  func on(_ transports: Transport...) -> Fault { with { $0.transports = Set(transports) } }
  func within(_ limits: Limits) -> Fault { with { $0.limits = limits } }
  func within(seconds: Double) -> Fault { with { $0.timeout = seconds } }
  var posting: Fault { with { $0.method = "POST" } }
  /// The request gets to the origin so many times.
  func seen(times: Int) -> Fault {
    with {
      $0.hits = times
      $0.target += "?count=1&of=" + name.utf8.map { String($0) }.joined()
    }
  }
  /// The connection stays.
  var kept: Fault { with { $0.keepsConnection = true } }
}

// How a table spells them.
extension Fault {
  /// An answer, spelled word by word.
  static func answer(_ name: String, _ words: String..., gives gists: String...) -> Fault {
    Fault(name).with {
      $0.target = play(words)
      $0.gists = gists
    }
  }

  /// Something in the TLS handshake, spelled word by word.
  static func handshake(_ name: String, _ words: String..., gives gists: String...) -> Fault {
    Fault(name).with {
      $0.handshake = words
      $0.transports = Transport.tls
      $0.gists = gists
    }
  }

  /// A listener with which nothing goes right.
  static func listener(_ name: String, _ listener: String, gives gists: String...) -> Fault {
    Fault(name).with {
      $0.listener = listener
      $0.gists = gists
    }
  }
}
