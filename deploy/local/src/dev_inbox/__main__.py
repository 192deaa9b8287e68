from dev_inbox.cli import main

main()
