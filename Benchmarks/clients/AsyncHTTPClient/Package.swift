// swift-tools-version: 6.2
// A rival of the benchmarks, no part of the product: which is why it is a package of its own.
import PackageDescription

let package = Package(
  name: "async-http-client-rival",
  dependencies: [
    .package(url: "https://github.com/swift-server/async-http-client", exact: "1.37.0"),
    .package(url: "https://github.com/apple/swift-nio", from: "2.81.0"),
    .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.29.0"),
  ],
  targets: [
    .executableTarget(
      name: "async-http-client",
      dependencies: [
        .product(name: "AsyncHTTPClient", package: "async-http-client"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "NIOSSL", package: "swift-nio-ssl"),
      ],
      swiftSettings: [.swiftLanguageMode(.v6)]
    )
  ]
)
