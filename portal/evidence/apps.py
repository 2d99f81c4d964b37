from django.apps import AppConfig


class EvidenceConfig(AppConfig):
    name = "portal.evidence"
    label = "evidence"
    verbose_name = "Proof"

    def ready(self) -> None:
        from portal.crypto.values import unreadable
        from portal.evidence.receivers import note_unreadable

        unreadable.connect(note_unreadable, dispatch_uid="portal.evidence.unreadable")
