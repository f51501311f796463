import ArgumentParser
import FetchModel

/// The options that describe a job, with curl's names and meaning where curl has them.
struct JobOptions: ParsableArguments {
  // MARK: The request

  @Option(
    name: [.customShort("X", allowingJoined: true), .customLong("request")],
    help: ArgumentHelp("Method of rows that name none.", valueName: "method")
  )
  var method: String?

  @Flag(name: [.customShort("I"), .customLong("head")], help: "Ask for heads only.")
  var head = false

  @Option(
    name: [.customShort("H", allowingJoined: true), .customLong("header")],
    help: ArgumentHelp(
      "'Name: value', 'Name;' for an empty one, 'Name:' for none, or @FILE with one a line; repeatable.",
      valueName: "header"
    )
  )
  var headers: [String] = []

  @Option(
    name: [.customShort("d", allowingJoined: true), .long],
    help: ArgumentHelp("Body, or @FILE; makes it a POST of a form. Repeated ones are joined with &.", valueName: "data")
  )
  var data: [String] = []

  @Option(help: ArgumentHelp("Body, or @FILE; makes it a POST of JSON.", valueName: "json"))
  var json: String?

  @Option(name: [.customShort("A", allowingJoined: true), .long], help: ArgumentHelp("User-Agent.", valueName: "name"))
  var userAgent: String?

  @Option(name: [.customShort("e", allowingJoined: true), .long], help: ArgumentHelp("Referer.", valueName: "url"))
  var referer: String?

  @Option(
    name: [.customShort("u", allowingJoined: true), .long],
    help: ArgumentHelp("Basic credentials.", valueName: "user:password")
  )
  var user: String?

  @Option(
    name: [.customShort("b", allowingJoined: true), .long],
    help: ArgumentHelp("Cookie field, 'a=1; b=2'.", valueName: "string")
  )
  var cookie: String?

  // MARK: Redirects and time

  @Flag(name: [.customShort("L"), .customLong("location")], help: "Follow redirects.")
  var location = false

  @Option(help: ArgumentHelp("Redirects followed for a row.", valueName: "n"))
  var maxRedirs = 10

  @Flag(help: "Follow redirects from public addresses to private ones, too.")
  var redirectsToPrivate = false

  @Option(help: ArgumentHelp("Name, TCP and TLS together.", valueName: "seconds"))
  var connectTimeout = 10.0

  @Option(
    name: [.customShort("m", allowingJoined: true), .long],
    help: ArgumentHelp("The whole attempt, from taking a connection on.", valueName: "seconds")
  )
  var maxTime = 60.0

  @Option(help: ArgumentHelp("From the request to the first byte of the response.", valueName: "seconds"))
  var firstByteTimeout: Double?

  @Option(help: ArgumentHelp("Between two reads or writes.", valueName: "seconds"))
  var idleTimeout: Double?

  @Option(
    name: [.customShort("Y", allowingJoined: true), .long],
    help: ArgumentHelp("Fail transfers slower than this.", valueName: "bytes/s")
  )
  var speedLimit: UInt64 = 0

  @Option(
    name: [.customShort("y", allowingJoined: true), .long],
    help: ArgumentHelp("Over which --speed-limit is judged.", valueName: "seconds")
  )
  var speedTime = 30.0

  // MARK: Retries

  @Option(
    help: ArgumentHelp("Further attempts after failures that may pass and 408 429 500 502 503 504.", valueName: "n")
  )
  var retry = 2

  @Option(help: ArgumentHelp("Fixed pause between attempts (default: 1 s, doubled each time).", valueName: "seconds"))
  var retryDelay: Double?

  @Option(help: ArgumentHelp("No attempt begins so long after the row's first.", valueName: "seconds"))
  var retryMaxTime: Double?

  @Option(
    help: ArgumentHelp(
      "Rows of an origin that has answered nothing for so long are recorded as origin_down.",
      valueName: "seconds"
    )
  )
  var giveUpAfter = 30.0

  @Flag(help: "Repeat POST and PATCH, too.")
  var retryUnsafe = false

  // MARK: TLS and addresses

  @Flag(name: [.customShort("k"), .long], help: "Do not verify certificates.")
  var insecure = false

  @Option(help: ArgumentHelp("Trust anchors in PEM instead of the system's.", valueName: "file"))
  var cacert: String?

  @Option(
    name: [.customShort("E", allowingJoined: true), .long],
    help: ArgumentHelp("Client certificate in PEM, with its chain and, without --key, its key.", valueName: "file")
  )
  var cert: String?

  @Option(help: ArgumentHelp("Key of --cert in PEM.", valueName: "file"))
  var key: String?

  @Option(help: ArgumentHelp("Pass phrase of the key, or @FILE with it in the first line.", valueName: "phrase"))
  var pass: String?

  @Option(help: ArgumentHelp("Lowest TLS version: 1.2 or 1.3.", valueName: "version"))
  var tlsMin = "1.2"

  @Option(help: ArgumentHelp("Highest TLS version: 1.2 or 1.3.", valueName: "version"))
  var tlsMax: String?

  @Option(help: ArgumentHelp("Ciphers of TLS 1.2, as OpenSSL spells them.", valueName: "list"))
  var ciphers: String?

  @Option(name: .customLong("tls13-ciphers"), help: ArgumentHelp("Cipher suites of TLS 1.3.", valueName: "list"))
  var tls13Ciphers: String?

  @Option(
    help: ArgumentHelp(
      "Public keys, of which the server's has to be one: a file, or sha256//BASE64[;sha256//BASE64].",
      valueName: "keys"
    )
  )
  var pinnedpubkey: String?

  @Option(
    help: ArgumentHelp("Addresses of a name; * is any host or port. Repeatable.", valueName: "host:port:addr[,addr]")
  )
  var resolve: [String] = []

  @Option(help: ArgumentHelp("Connect there instead. Repeatable.", valueName: "host1:port1:host2:port2"))
  var connectTo: [String] = []

  @Flag(name: [.customShort("4"), .customLong("ipv4")], help: "IPv4 only.")
  var ipv4 = false

  @Flag(name: [.customShort("6"), .customLong("ipv6")], help: "IPv6 only.")
  var ipv6 = false

  @OptionGroup var proxies: ProxyOptions

  // MARK: Limits and bodies

  @Option(help: ArgumentHelp("Connections to one origin over the whole cluster.", valueName: "n"))
  var perOrigin = 8

  @Option(help: ArgumentHelp("What becomes of bodies: discard, hash or inline.", valueName: "what"))
  var body = "hash"

  @Option(help: ArgumentHelp("Longest body put into a record.", valueName: "bytes"))
  var inlineMax = 65_536

  @Option(help: ArgumentHelp("Longer bodies are cut; 0 is no limit.", valueName: "bytes"))
  var maxFilesize: UInt64 = 67_108_864

  @Flag(help: "Ask for gzip, deflate, br and zstd, and record bodies decoded.")
  var compressed = false

  @Option(
    help: ArgumentHelp("Fail bodies that are longer once they are decoded; 0 is no limit.", valueName: "bytes")
  )
  var maxDecoded: UInt64 = 268_435_456

  @Flag(help: "Put the response's header fields into records.")
  var includeHeaders = false

  /// Only what can be judged without opening a file; the rest by `specification`.
  func validate() throws { try checkNumbers() }
}
