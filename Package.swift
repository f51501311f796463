// swift-tools-version: 6.2
import PackageDescription

// One direction of imports, top to bottom: programs, shells, middle, base, C. Every build passes
// `--explicit-target-dependency-import-check error`, so an import that is not listed here does not compile.
// The modules marked "pure" hold no I/O, no clock, no C and no Foundation. InternationalNames stands below FetchModel,
// which reads URLs for all: it is the door to libidn2, and like a pure module a function from bytes to bytes.

let settings: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .treatAllWarnings(as: .error),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
  // The compiler proves most accesses exclusive. The rest it has checked at run time, a seventh of what a request
  // costs; debug builds, in which unit tests and cases run, keep these checks.
  .unsafeFlags(["-enforce-exclusivity=unchecked"], .when(configuration: .release)),
]

func module(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
  .target(name: name, dependencies: dependencies, swiftSettings: settings)
}

func program(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
  .executableTarget(name: name, dependencies: dependencies, swiftSettings: settings)
}

func tests(of name: String, _ dependencies: [Target.Dependency] = [], resources: [Resource] = []) -> Target {
  .testTarget(
    name: "\(name)Tests",
    dependencies: [.byName(name: name)] + dependencies,
    resources: resources,
    swiftSettings: settings
  )
}

let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let protobuf = Target.Dependency.product(name: "SwiftProtobuf", package: "swift-protobuf")
let deque = Target.Dependency.product(name: "DequeModule", package: "swift-collections")
let heap = Target.Dependency.product(name: "HeapModule", package: "swift-collections")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")

let package = Package(
  name: "trawl",
  products: [
    .executable(name: "coordinator", targets: ["coordinator"]),
    .executable(name: "agent", targets: ["agent"]),
    .executable(name: "origin", targets: ["origin"]),
  ],
  dependencies: [
    // Exact, because Package.resolved is not checked in: a later release must not break a clone.
    .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
    .package(url: "https://github.com/apple/swift-collections", exact: "1.6.0"),
    .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
    .package(url: "https://github.com/apple/swift-protobuf", exact: "1.39.0"),
  ],
  targets: [
    // C: one system module a library, shims for macros only.
    .systemLibrary(name: "CZeroMQ"),
    .systemLibrary(name: "COpenSSL"),
    .systemLibrary(name: "CIDN2"),
    .systemLibrary(name: "CAres"),
    .systemLibrary(name: "CZlib"),
    .systemLibrary(name: "CBrotli"),
    .systemLibrary(name: "CZstd"),
    .systemLibrary(name: "CLinux"),
    .systemLibrary(name: "COriginShims"),

    // Base.
    module("InternationalNames", ["CIDN2"]),
    module("FetchModel", ["InternationalNames"]),  // pure
    module("HTTP1", ["FetchModel"]),  // pure
    module("PosixIO", ["CLinux", "FetchModel"]),

    // Middle.
    module("Scheduling", ["FetchModel", deque, heap]),  // pure
    module("Records", ["FetchModel"]),  // pure
    module("Proxies", ["FetchModel", "HTTP1"]),  // pure
    module("WireProtocol", ["FetchModel", protobuf]),  // pure
    module("ZeroMQ", ["CZeroMQ", "FetchModel"]),
    module("Keys", ["PosixIO", "ZeroMQ"]),
    module("TLS", ["COpenSSL", "FetchModel"]),
    module("ContentCodings", ["CBrotli", "CZlib", "CZstd"]),
    module("Resolver", ["CAres", "FetchModel", "PosixIO", deque, heap]),

    // Shells.
    module(
      "FetchClient",
      [
        "ContentCodings", "FetchModel", "HTTP1", "PosixIO", "Proxies", "Records", "Resolver", "TLS", "WireProtocol",
        deque,
      ]
    ),
    module(
      "AgentRuntime",
      [
        "ContentCodings", "FetchClient", "FetchModel", "Keys", "PosixIO", "Resolver", "Scheduling", "TLS",
        "WireProtocol", "ZeroMQ", deque, logging,
      ]
    ),
    module("JobStore", ["FetchModel", "PosixIO", "Records"]),
    module(
      "CoordinatorRuntime",
      [
        "FetchModel", "JobStore", "Keys", "PosixIO", "Records", "Scheduling", "WireProtocol", "ZeroMQ", deque, logging,
      ]
    ),

    // Programs.
    program(
      "coordinator",
      [
        "CoordinatorRuntime", "FetchModel", "JobStore", "Keys", "PosixIO", "Proxies", "Records", "Resolver", "TLS",
        argumentParser, logging,
      ]
    ),
    program(
      "agent",
      [
        "AgentRuntime", "ContentCodings", "FetchClient", "FetchModel", "Keys", "PosixIO", "Resolver", argumentParser,
        logging,
      ]
    ),

    // The origin server of the demo and the tests; no part of the product's path.
    module("OriginServer", ["COpenSSL", "COriginShims"]),
    program("origin", ["OriginServer", argumentParser]),

    // What the scheduler costs for each row, without anything around it.
    .executableTarget(
      name: "SchedulerCost",
      dependencies: ["FetchModel", "Scheduling"],
      path: "Benchmarks/SchedulerCost",
      swiftSettings: settings
    ),
    // And each of the other steps on a request's way.
    .executableTarget(
      name: "HotPathCost",
      dependencies: [
        "CoordinatorRuntime", "FetchClient", "FetchModel", "HTTP1", "JobStore", "PosixIO", "Records", "TLS",
        "WireProtocol",
      ],
      path: "Benchmarks/HotPathCost",
      swiftSettings: settings
    ),

    // Agents that answer every row at once, for what the coordinator costs by itself.
    .executableTarget(
      name: "InstantAgents",
      dependencies: [
        "FetchModel", "Keys", "PosixIO", "Records", "Scheduling", "WireProtocol", "ZeroMQ", argumentParser, deque,
      ],
      path: "Benchmarks/InstantAgents",
      swiftSettings: settings
    ),

    // A name server for tests.
    .target(
      name: "NameServer",
      dependencies: ["FetchModel", "PosixIO"],
      path: "Tests/NameServer",
      swiftSettings: settings
    ),

    tests(of: "InternationalNames"),
    tests(of: "FetchModel", resources: [.copy("Fixtures")]),
    tests(of: "HTTP1", ["FetchModel"], resources: [.copy("Fixtures")]),
    tests(of: "PosixIO"),
    tests(of: "Resolver", ["FetchModel", "NameServer", "PosixIO"]),
    tests(of: "TLS", ["FetchModel", "OriginServer"], resources: [.copy("Cases")]),
    tests(of: "ContentCodings"),
    tests(of: "Records", ["FetchModel"]),
    tests(of: "Proxies", ["FetchModel"]),
    tests(of: "Scheduling", ["FetchModel"], resources: [.copy("Transcripts")]),
    tests(of: "WireProtocol", ["FetchModel"]),
    tests(of: "FetchClient", ["FetchModel", "PosixIO"]),
    tests(of: "AgentRuntime", ["FetchClient", "FetchModel", "Scheduling", "WireProtocol", "ZeroMQ"]),
    tests(of: "JobStore", ["FetchModel", "PosixIO", "Records"]),
    tests(of: "CoordinatorRuntime", ["FetchModel", "JobStore", "Scheduling", "WireProtocol"]),
    tests(of: "ZeroMQ"),
    tests(of: "Keys", ["ZeroMQ"]),
    tests(of: "OriginServer"),
    // Real programs from the folder that TRAWL_BIN names.
    .testTarget(name: "ProcessTests", dependencies: ["NameServer"], swiftSettings: settings),
    .testTarget(name: "TidyTests", swiftSettings: settings),

  ]
)

// Every one of these is linked with libFuzzer, which an ordinary build has not; deploy/fuzz.sh asks for them.
if Context.environment["TRAWL_FUZZ"] != nil {
  func fuzzTarget(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .executableTarget(
      name: name,
      dependencies: ["FuzzSupport"] + dependencies,
      path: "Tests/Fuzz/\(name)",
      swiftSettings: settings
    )
  }

  package.targets += [
    .systemLibrary(name: "CFuzzer", path: "Tests/Fuzz/CFuzzer"),
    .target(
      name: "FuzzSupport",
      dependencies: ["CFuzzer", "FetchModel", "HTTP1"],
      path: "Tests/Fuzz/FuzzSupport",
      swiftSettings: settings
    ),
    fuzzTarget("FuzzCoordinator", ["CoordinatorRuntime", "FetchModel", "Records", "Scheduling", "WireProtocol"]),
    fuzzTarget("FuzzAgent", ["AgentRuntime", "FetchModel", "Scheduling", "WireProtocol"]),
    fuzzTarget("FuzzJobFiles", ["FetchModel", "JobStore", "PosixIO", "Records"]),
    fuzzTarget("FuzzResponse", ["FetchModel", "HTTP1"]),
    fuzzTarget("FuzzChunked", ["FetchModel", "HTTP1"]),
    fuzzTarget("FuzzCodings", ["ContentCodings"]),
    fuzzTarget("FuzzURL", ["FetchModel"]),
    fuzzTarget("FuzzLocation", ["FetchModel"]),
  ]
}
