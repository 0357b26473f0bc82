"""What an admin writes about rooms on their own servers, as settings take it."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from config.settings import Settings
from config.wiring import planning_policy


def test_hosts_and_patterns_reach_the_planning() -> None:
    settings = Settings(
        jitsi_hosts=("Talk.example.org", "video.example.org:8443"),
        janus_rooms=("https://janus.example.org/videoroom.html?room={room}",),
    )
    known = planning_policy(settings).known_hosts
    assert known.jitsi_hosts == {"talk.example.org", "video.example.org:8443"}
    assert known.janus_rooms == settings.janus_rooms
    assert planning_policy(Settings()).known_hosts.jitsi_hosts == {"meet.jit.si"}


def test_the_environment_says_a_list_with_commas() -> None:
    given = {"jitsi_hosts": "meet.jit.si, talk.example.org", "janus_rooms": "https://j.example/{room}"}
    settings = Settings.model_validate(given)
    assert settings.jitsi_hosts == ("meet.jit.si", "talk.example.org")
    assert settings.janus_rooms == ("https://j.example/{room}",)


REGISTRATION = {"teams_bot_tenant": "t", "teams_bot_client_id": "c", "teams_bot_client_secret": "s"}


@pytest.mark.parametrize("missing", REGISTRATION)
def test_half_a_registration_of_the_bot_is_a_mistake(missing: str) -> None:
    assert Settings.model_validate(REGISTRATION).teams_bot_client_secret == "s"
    for given in ({**REGISTRATION, missing: ""}, {missing: REGISTRATION[missing]}):
        with pytest.raises(ValidationError, match="without the other two"):
            Settings.model_validate(given)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("jitsi_hosts", "https://talk.example.org"),
        ("jitsi_hosts", "talk.example.org/room"),
        ("jitsi_hosts", "user@talk.example.org"),
        ("jitsi_hosts", ""),
        ("janus_rooms", "https://janus.example.org/"),
        ("janus_rooms", "https://{room}.example.org/"),
        ("janus_rooms", "janus.example.org/{room}"),
    ],
)
def test_what_names_no_rooms_is_a_mistake(name: str, value: str) -> None:
    with pytest.raises(ValidationError):
        Settings.model_validate({name: (value,)})
