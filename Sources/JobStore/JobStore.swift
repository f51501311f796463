// Theory of operation
//
// A job's folder is the truth about it: whatever is killed, and whenever, the next coordinator goes on from what is in
// it. docs/job-folder.md says what that means for its user.
//
//   file                    written by                       read by
//   results.jsonl           `PassWriter`                     `RecordReader`, `LineFetcher`
//   results.idx             `PassWriter`, `rebuildIndex`     `IndexReader`, `IndexFollower`
//   journal                 `PassWriter`                     `JournalReader`
//   status.json             `PassWriter`                     the coordinator's `status`
//   input                   `InputSpool`                     `InputSpool`
//   job.json, secrets       `JobDirectory.replace`           `JobDirectory.read`
//   summary.json            `JobDirectory.replace`           `verify`
//   lock, coordinator.lock  nobody                           held as `JobLock` says
//
// A `Pass` over rows that failed has results, index, journal and summary of its own: those of a pass that has ended
// never change. `recover` brings the files of a pass that was stopped in order, and a `PassWriter` goes on with them.
// `verify` and `CurrentRecords` change nothing, and read the files of a job that runs, too, as far as they are whole.
//
// Order of a commit: lines, fdatasync, their columns in the index, fdatasync; then the journal, fdatasync; only then
// are agents told. So the index never speaks of a line that could be lost, and behind what it covers there is only
// what nobody was told of. `Committer`, on the one thread that writes, makes many blocks durable by one commit, and
// entries of the journal that rows wait for by a sync of their own. What is small and changes is replaced whole
// (`FileLayer.replace`). After a failed write or sync nothing more is written to that file: what the disk holds is not
// known any more (fsync(2)).
//
// All of this goes through `FileLayer`, the only seam: `SystemFiles` is the real folder, and tests have one in memory
// that stops before any call, or forgets what was not synced. Past it are only the making of the folder, the names
// that it may hold, the locks and the look at who owns it (`JobDirectory`, `JobNames`, `JobLock`), and standard output
// in the place of a folder (`StandardOutput`). Every error is a `JobStoreError`: one line with the path and what to do.
