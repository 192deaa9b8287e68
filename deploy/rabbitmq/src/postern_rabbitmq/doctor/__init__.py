"""Compares a running broker and the apps that use it with what they ought to be."""
