"""What the end-to-end tests share: the gateway as a process, remote services, and raw peers."""
