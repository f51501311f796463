import Foundation
import Testing

/// `SIM_SEED=n` tells one story and prints it; `SIM_SEEDS=n` tells that many.
@Suite struct ClusterSimulationTests {
  private static func number(_ variable: String) -> UInt64? {
    ProcessInfo.processInfo.environment[variable].flatMap { UInt64($0) }
  }

  private static var seeds: Range<UInt64> {
    if let seed = number("SIM_SEED") { return seed..<seed + 1 }
    return 0..<(number("SIM_SEEDS") ?? 200)
  }

  @Test func `whatever happens, each row is recorded once, no limit is exceeded and the job ends`() {
    let isTraced = Self.number("SIM_SEED") != nil
    for seed in Self.seeds {
      var simulation = ClusterSimulation(seed: seed, isTraced: isTraced)
      do {
        let duration = try simulation.run()
        if isTraced { print("the job took \(duration / 1_000_000) ms") }
      } catch {
        Issue.record("seed \(seed): \(error). SIM_SEED=\(seed) tells its story")
      }
      for line in simulation.trace { print(line) }
    }
  }

  @Test func `a seed tells the same story each time`() throws {
    var first = ClusterSimulation(seed: 3, isTraced: true)
    var second = ClusterSimulation(seed: 3, isTraced: true)
    let durations = (try first.run(), try second.run())
    #expect(durations.0 == durations.1)
    #expect(first.trace == second.trace)
    #expect(!first.trace.isEmpty)
  }
}
