//! The engine's polling against the simulator, on the manual clock and on both databases.
//!
//! What must never happen (the invariants that the sources cite by number), and the tests that would notice:
//!
//! | | must hold | tests |
//! | --- | --- | --- |
//! | I1 | an order that the mall has shown is never lost | `i1_after_a_week_of_faults_and_crashes_the_database_shows_what_the_mall_shows`, `i1_a_crowded_backfill_is_cut_and_goes_on_where_it_stopped`, `a_pass_ends_and_covers_its_span` |
//! | I2 | a cursor moves only with what it covers | `i2_a_cursor_moves_only_with_the_orders_it_covers`, `a_page_from_another_cursor_or_fence_stores_nothing` |
//! | I3 | reading the same thing twice writes nothing | `i3_a_poll_that_finds_nothing_new_writes_its_streams_and_the_limiter_alone`, `a_page_without_news_writes_its_cursor_alone_or_nothing`, `planning_again_and_asking_again_write_nothing` |
//! | I4 | one bad order blocks no other | `i4_one_bad_order_of_many_is_set_aside_alone_and_taken_in_once_it_is_mended`, `i4_an_answer_that_cannot_be_read_is_halved_down_to_the_bad_order`, `i4_when_nothing_at_all_can_be_read_no_order_is_blamed` |
//! | I5 | an unknown code is kept, warned of once, and moves no money | `i5_a_code_never_seen_before_is_kept_and_warned_of_once_and_captures_nothing` |
//! | I6 | an intent is committed before it is sent | `a_sale_is_captured_once_whatever_crashes_or_gets_lost`, `the_checker_notices_each_missing_safeguard` |
//! | I7 | an unknown outcome is looked up, never sent again blindly | `each_sale_is_captured_once_whatever_is_lost_and_whoever_dies`, `failing_look_ups_delay_and_never_decide`, `a_worker_that_is_gone_leaves_an_unknown_and_its_late_answer_settles_it` |
//! | I8 | a capture only where everything speaks for it | `what_is_wanted_in_each_situation`, `nothing_ordered_before_since_is_touched`, `dry_run_sends_nothing_and_leaves_nothing_behind`, `a_maintenance_window_is_silent`, `past_a_guard_everything_is_held_and_a_person_asked` |
//! | I9 | no secret and no personal data leaves | `every_request_leaves_one_line_without_secrets`, `errors_hold_no_rows`, `what_is_in_force_is_shown_without_secrets`, `the_password_of_a_bad_url_is_not_repeated`, `secrets_and_people_are_never_said_in_json`, `secrets_and_people_are_never_said_in_text`, `what_services_repeat_is_never_said_in_json`, `what_services_repeat_is_never_said_in_text` |
//! | I10 | a broken config replaces nothing | `i10_a_broken_config_starts_nothing_and_changes_nothing` |
//! | I11 | no shop is polled, no operation sent by two at a time | `i11_two_daemons_share_the_shops_and_a_dead_one_is_followed_after_its_lease`, `two_claim_a_shop_at_the_same_time_and_one_gets_it`, `two_workers_claim_disjoint_sets`, `one_daemon_holds_an_sqlite_database` |
//! | I12 | a published quota is never exceeded | `i12_a_crash_loop_never_exceeds_the_quota`, `eight_workers_never_take_more_than_the_bucket_holds`, `the_row_counts_as_the_pure_function_does`, `never_more_than_burst_plus_rate`, `it_decides_as_governor_does` |
//! | I13 | amounts stay as the mall gave them | `i13_amounts_that_do_not_add_up_are_flagged_and_kept_as_they_are` |

#[cfg(test)]
#[path = "../support/agree.rs"]
mod agree;
#[cfg(test)]
#[path = "../support/log.rs"]
mod log;
#[cfg(test)]
#[path = "../support/mod.rs"]
mod support;

#[cfg(test)]
mod alerts;
#[cfg(test)]
mod malls;
#[cfg(test)]
mod map;
#[cfg(test)]
mod pace;
#[cfg(test)]
mod quiet;
#[cfg(test)]
mod rig;
#[cfg(test)]
mod sharing;
#[cfg(test)]
mod start;
#[cfg(test)]
mod strange;
#[cfg(test)]
mod week;
