from django.apps import AppConfig


class PrivacyConfig(AppConfig):
    name = "privacy"

    def ready(self) -> None:
        from privacy import (
            erasure,
            exports,
            mails,
            receivers,  # noqa: F401 - connects
        )
        from privacy.backups import mails as backup_mails
        from privacy.copies import kinds as copy_kinds
        from privacy.copies import preparing
        from privacy.copies.services import copy_is_signed_for, copy_posted
        from privacy.corrections import kinds as correction_kinds
        from privacy.corrections import letters as correction_letters
        from privacy.denials import letters as denial_letters
        from privacy.denials import mails as denial_mails
        from privacy.disclosing import accounting
        from privacy.disclosing import letters as disclosing_letters
        from privacy.disclosing import mails as disclosing_mails
        from privacy.fees import receivers as fee_receivers  # noqa: F401 - connects
        from privacy.guardians import kinds as guardian_kinds
        from privacy.handover import making as handover
        from privacy.incidents import letters as incident_letters
        from privacy.incidents import mails as incident_mails
        from privacy.leaving import kinds as leaving_kinds
        from privacy.leaving import mails as leaving_mails
        from privacy.letters import kinds as letter_kinds
        from privacy.letters import mails as letter_mails
        from privacy.letters import making
        from privacy.letters.services import when_posted, when_signed_for
        from privacy.limits import kinds as limit_kinds
        from privacy.limits import letters as limit_letters
        from privacy.requests import kinds as request_kinds
        from privacy.requests import letters as request_letters
        from privacy.requests import mails as request_mails
        from privacy.requests import notice
        from privacy.safeguards import mails as safeguard_mails
        from privacy.safeguards import making as binders

        mails.register_mails()
        request_mails.register_mails()
        request_kinds.register_kinds()
        correction_kinds.register_kinds()
        limit_kinds.register_kinds()
        for room in (correction_letters, denial_letters, limit_letters):
            room.register_letters()
        denial_mails.register_mails()
        request_letters.register_letters()
        notice.register_letters()
        backup_mails.register_mails()
        letter_kinds.register_letters()
        letter_mails.register_mails()
        making.register_job()
        copy_kinds.register_kinds()
        preparing.register_job()
        when_posted(copy_posted)
        when_signed_for(copy_is_signed_for)
        when_posted(notice.notice_posted)
        disclosing_letters.register_letters()
        disclosing_mails.register_mails()
        accounting.register_kind()
        incident_mails.register_mails()
        incident_letters.register_letters()
        exports.register_job()
        erasure.register_job()
        handover.register_job()
        guardian_kinds.register_kinds()
        leaving_kinds.register_kinds()
        leaving_mails.register_mails()
        safeguard_mails.register_mails()
        binders.register_job()
