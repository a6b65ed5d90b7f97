"""The real system in real processes: Beat, worker, broker and database, killed and questioned."""
