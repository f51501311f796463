// Any bytes as frames at the coordinator's port, in the midst of a job.
//
// Each message acts as a valid one or is refused; the scheduler's books balance after it; and what would be appended
// to the files is whole lines, one for each row and no row twice.

import FuzzSupport

private func check(_ bytes: [UInt8]) {
  var feed = Feed(bytes)
  var coordinator = FuzzedCoordinator(isContinued: feed.byte() % 2 == 1)
  while !feed.isEmpty {
    switch Step(&feed) {
    case .raw(let frames, let link): coordinator.receive(frames, over: link)
    case .ordered(let frames, let link): coordinator.receiveInOrder(frames, over: link)
    case .rows(let count): coordinator.addRows(Int(count))
    case .time(let count): coordinator.advance(milliseconds: UInt64(count) * 50)
    }
    coordinator.audit()
  }
}

try runTarget(seeds: Seeds.all) { bytes, count in
  check(input(bytes, count))
  return 0
}
