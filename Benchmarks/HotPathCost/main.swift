import Glibc

// What one step of a request's way costs, alone: the modules' own functions, called as agent and coordinator call them,
// on the bytes of real requests and responses. For Tests/Gates, which counts instructions and allocations; what a run
// prints is a sum over all results, so that none of the work can be left out.
//
//   HotPathCost                 names the paths
//   HotPathCost NAME COUNT      goes COUNT times along one

let paths: [(name: String, run: (Int) throws -> UInt64)] = [
  ("reader-length", ReaderPath.contentLength),
  ("reader-chunked", ReaderPath.chunked),
  ("reader-close", ReaderPath.untilClose),
  ("encoder-get", EncoderPath.get),
  ("encoder-row-headers", EncoderPath.rowHeaders),
  ("record-discard", RecordPath.discard),
  ("record-hash", RecordPath.hash),
  ("record-inline", RecordPath.inline),
  ("record-fields", RecordPath.fields),
  ("block-build", BlockPath.build),
  ("block-take", BlockPath.take),
  ("work-build", WorkPath.build),
  ("work-take", WorkPath.take),
  ("row-url", RowPath.url),
  ("row-json", RowPath.json),
  ("origin-url", RowPath.origin),
  ("commit", CommitPath.run),
]

let arguments = CommandLine.arguments.dropFirst()
if arguments.isEmpty {
  for path in paths { print(path.name) }
} else {
  guard arguments.count == 2, let name = arguments.first, let count = arguments.last.flatMap({ Int($0) }), count >= 0,
    let path = paths.first(where: { $0.name == name })
  else {
    print("usage: HotPathCost [NAME COUNT]")
    exit(64)
  }
  print(try path.run(count))
}
