import Foundation
import Synchronization
import Testing

/// `SIM_SEED=n` tells one story and prints it; `SIM_SEEDS=n` tells that many.
@Suite struct ClusterSimulationTests {
  private static let shards: UInt64 = 16

  static func number(_ variable: String) -> UInt64? {
    ProcessInfo.processInfo.environment[variable].flatMap { UInt64($0) }
  }

  /// Debug builds are slower; `deploy/test.sh` runs these in release.
  private static var seedCount: UInt64 {
    #if DEBUG
      number("SIM_SEEDS") ?? 200
    #else
      number("SIM_SEEDS") ?? 10_000
    #endif
  }

  @Test(arguments: 0..<shards)
  func `whatever happens, every invariant holds and the job ends`(shard: UInt64) {
    guard Self.number("SIM_SEED") == nil else { return }
    var failures = 0
    for seed in stride(from: shard, to: Self.seedCount, by: Int(Self.shards)) {
      var simulation = ClusterSimulation(seed: seed)
      do {
        _ = try simulation.run()
      } catch {
        Issue.record("seed \(seed): \(error). SIM_SEED=\(seed) tells its story")
        failures += 1
        guard failures < 5 else { return }
      }
    }
  }

  /// What never happens in the stories is not proved by them.
  @Test func `the stories show everything that they are there to show`() {
    var coverage = SimulationCoverage()
    for seed in 0..<UInt64(10_000) {
      var simulation = ClusterSimulation(seed: seed)
      _ = try? simulation.run()
      coverage.add(simulation.coverage)
      if coverage.missing.isEmpty { return }
    }
    Issue.record("never seen: \(coverage.missing)")
  }

  @Test(.enabled(if: number("SIM_SEED") != nil)) func `the story of one seed`() throws {
    var simulation = ClusterSimulation(seed: Self.number("SIM_SEED") ?? 0, isTraced: true)
    defer { for line in simulation.trace { print(line) } }
    let duration = try simulation.run()
    print("the job took \(duration / 1_000_000) ms in \(simulation.steps) steps")
  }

  @Test func `a seed tells the same story each time`() throws {
    var first = ClusterSimulation(seed: 3, isTraced: true)
    var second = ClusterSimulation(seed: 3, isTraced: true)
    let durations = (try first.run(), try second.run())
    #expect(durations.0 == durations.1)
    #expect(first.trace == second.trace)
    #expect(!first.trace.isEmpty)
  }

  /// The oracle sees what it is there to see: each mutation breaks something around the scheduler, and one of the
  /// invariants it was made for fails within a few seeds.
  @Test(arguments: Mutation.allCases)
  func `a broken cluster is noticed`(mutation: Mutation) {
    var seen: [String: Int] = [:]
    for seed in 0..<UInt64(1000) {
      var simulation = ClusterSimulation(seed: seed, mutation: mutation)
      do {
        _ = try simulation.run()
      } catch let failure as SimulationFailure {
        if mutation.noticed.contains(failure.invariant) { return }
        seen[failure.description, default: 0] += 1
      } catch {
        Issue.record("\(error)")
      }
    }
    Issue.record("\(mutation) was not noticed; seen instead: \(seen)")
  }
}
