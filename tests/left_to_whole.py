"""What `make whole` (and `make chaos`) alone tells. `make test` leaves these stories, or cases of them, out, each because of
the stories named beside it: they notice first where the same breaks. `tests/contract/test_dealing.py` holds the list: all of
them are there, and nothing else vanishes from `make test`."""

_CHAOS, _CONTRACT = "tests/chaos/", "tests/contract/"
LEFT_TO_WHOLE: dict[str, tuple[str, ...]] = {
    # through a real Kannel and its crashes: its pushes, its reports and what it is asked are told by their form
    _CHAOS + "test_kannel.py::test_from_a_chinese_text_to_a_closed_call_back_and_through_every_crash": (
        "tests/sms/test_incoming_routes.py::test_case_04_the_same_push_twice_and_at_once_is_one_ticket",
        "tests/sms/test_incoming_routes.py::test_case_10_kannels_charsets_and_garbled_bodies",
        "tests/sms/test_sending.py::test_kannel_is_asked_in_utf8_for_the_final_reports",
    ),
    # real workers, killed and frozen: the claim and its lease are told in one process
    _CHAOS + "test_clocks.py::test_each_step_fires_once_whatever_happens_to_the_workers": (
        "tests/tickets/test_clocks.py::test_two_workers_that_claim_the_same_clock_tell_its_step_once",
        "tests/tickets/test_clocks.py::test_a_missed_limit_is_escalated_once_for_each_step_however_often_we_look",
        "tests/delivery/test_outbox.py::test_a_worker_that_lost_its_lease_may_not_mark",
    ),
    _CHAOS + "test_stream_storm.py::test_nobody_misses_and_nobody_hears_twice_through_a_kill_and_a_storm": (
        "tests/streaming/test_stream.py::test_a_client_that_reconnects_gets_what_it_missed_once",
    ),
    _CHAOS + "test_inbound.py::test_a_burst_about_one_water_main_loses_nobody_and_hears_the_dangers_first": (
        _CHAOS + "test_inbound.py::test_shuffled_doubled_and_at_once_each_message_has_one_effect",
        "tests/incidents/test_storm.py::test_a_storm_becomes_one_incident_and_each_danger_in_it_rings",
    ),
    # on the other database
    _CHAOS + "test_kill.py::test_killed_under_load_nothing_acknowledged_is_lost[postgres]": (
        _CHAOS + "test_kill.py::test_killed_under_load_nothing_acknowledged_is_lost[sqlite]",
        "tests/database/test_engines.py::test_postgres_killed_and_restarted_loses_nothing_acknowledged",
    ),
    _CHAOS + "test_kill.py::test_a_stopping_server_finishes_what_it_accepted[postgres]": (
        _CHAOS + "test_kill.py::test_a_stopping_server_finishes_what_it_accepted[sqlite]",
    ),
    _CHAOS + "test_proxy.py::test_an_answer_lost_after_commit_never_doubles_a_call[post]": (
        _CHAOS + "test_proxy.py::test_an_answer_lost_after_commit_never_doubles_a_call[lite]",
        _CHAOS + "test_commit.py::test_resets_in_commit_double_nothing_and_never_say_not_applied",
    ),
    _CONTRACT + "test_access_matrix.py::test_no_principal_gets_an_answer_the_oracle_would_not_give[postgres]": (
        _CONTRACT + "test_access_matrix.py::test_no_principal_gets_an_answer_the_oracle_would_not_give[sqlite]",
        _CONTRACT + "test_authorization.py::test_out_of_sight_looks_exactly_like_not_there",
    ),
    # the columns are sealed alike on both: what stands in the files is theirs
    "tests/database/test_sealed.py::test_no_phone_and_no_name_stands_in_plain_in_any_file[postgres]": (
        "tests/database/test_sealed.py::test_no_phone_and_no_name_stands_in_plain_in_any_file[sqlite]",
        "tests/database/test_sealed.py::test_every_column_of_text_is_sealed_or_named",
        "tests/database/test_sealed.py::test_a_value_moved_to_another_column_cannot_be_read",
    ),
    # another generator over the same document; what such a client does is told by the first
    _CONTRACT + "test_generated_clients.py::test_a_typescript_client_logs_in_takes_a_call_acts_and_pages": (
        _CONTRACT + "test_generated_clients.py::test_a_python_client_logs_in_takes_a_call_acts_and_pages",
        _CONTRACT + "test_generated_clients.py::test_the_document_passes_the_linters_clients_use",
    ),
}  # fmt: skip
