"""The platform: settings, guards, and the small apps that every room above leans on."""
