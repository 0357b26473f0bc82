"""PURE: the names of the meeting services that are known by their addresses but not joined.

Decides nothing but the name, so that a host reads "Whereby is not supported yet" instead of "no join link".
"""

from __future__ import annotations

import re

from calendar_sync.addresses import WebAddress, is_host_or_below

# (host or anything below it, what the path starts with or "", name)
_SERVICES: tuple[tuple[str, str, str], ...] = (
    ("whereby.com", "", "Whereby"),
    ("gotomeeting.com", "", "GoTo Meeting"),
    ("gotomeet.me", "", "GoTo Meeting"),
    ("gotowebinar.com", "", "GoTo Webinar"),
    ("meet.goto.com", "", "GoTo Meeting"),
    ("bluejeans.com", "", "BlueJeans"),
    ("bjn.vc", "", "BlueJeans"),
    ("chime.aws", "", "Amazon Chime"),
    ("discord.gg", "", "Discord"),
    ("discord.com", "/invite/", "Discord"),
    ("discord.com", "/channels/", "Discord"),
    ("discord.com", "/events/", "Discord"),
    ("meet.lync.com", "", "Skype for Business"),
    ("join.skype.com", "", "Skype"),
    ("app.slack.com", "/huddle/", "Slack huddles"),
    ("v.ringcentral.com", "", "RingCentral"),
    ("meetings.ringcentral.com", "", "RingCentral"),
    ("video.ringcentral.com", "", "RingCentral"),
    ("8x8.vc", "", "8x8"),
    ("meetings.vonage.com", "", "Vonage Meetings"),
    ("join.me", "", "join.me"),
    ("meetings.dialpad.com", "", "Dialpad"),
    ("uberconference.com", "", "Dialpad"),
    ("facetime.apple.com", "/join", "FaceTime"),
    ("go.teamviewer.com", "", "TeamViewer Meeting"),
    ("call.lifesize.com", "", "Lifesize"),
    ("meet.starleaf.com", "", "StarLeaf"),
    ("meet.pexip.com", "", "Pexip"),
    ("gather.town", "", "Gather"),
    ("around.co", "", "Around"),
    ("pop.com", "", "Pop"),
    ("tuple.app", "", "Tuple"),
    ("riverside.fm", "", "Riverside"),
    ("streamyard.com", "", "StreamYard"),
    ("livestorm.co", "", "Livestorm"),
    ("demio.com", "", "Demio"),
    ("crowdcast.io", "", "Crowdcast"),
    ("airmeet.com", "", "Airmeet"),
    ("app.livekit.io", "", "LiveKit"),
    ("daily.co", "", "Daily"),
    ("doxy.me", "", "Doxy.me"),
    ("meeting.tencent.com", "", "Tencent Meeting"),
    ("voovmeeting.com", "", "VooV Meeting"),
    ("vc.feishu.cn", "", "Feishu"),
    ("vc.larksuite.com", "", "Lark"),
    ("meeting.dingtalk.com", "", "DingTalk"),
    ("telemost.yandex.ru", "", "Yandex Telemost"),
    ("telemost.yandex.com", "", "Yandex Telemost"),
    ("vk.com", "/call/", "VK Calls"),
    ("meet.proton.me", "", "Proton Meet"),
    ("signal.link", "/call", "Signal"),
    ("call.element.io", "", "Element Call"),
    ("call.whatsapp.com", "", "WhatsApp"),
    ("bbcollab.com", "", "Blackboard Collaborate"),
    ("hangouts.google.com", "", "Google Hangouts"),
    ("meet.google.com", "/stream/", "a Google Meet live stream"),
    ("stream.meet.google.com", "", "a Google Meet live stream"),
    ("events.zoom.us", "", "Zoom Events"),
    ("events.teams.microsoft.com", "/event/", "a Microsoft Teams webinar"),
    ("workplace.com", "/meet/", "Workplace"),
    ("m.me", "/j/", "Messenger"),
    ("t.me", "/call/", "Telegram"),
    ("line.me", "/R/meeting/", "LINE"),
    ("adobeconnect.com", "", "Adobe Connect"),
    ("clickmeeting.com", "", "ClickMeeting"),
    ("bigmarker.com", "", "BigMarker"),
    ("event.on24.com", "", "ON24"),
    ("hopin.com", "/events/", "Hopin"),
    ("remo.co", "", "Remo"),
    ("kumospace.com", "", "Kumospace"),
    ("spatial.chat", "", "SpatialChat"),
    ("app.butter.us", "", "Butter"),
    ("ovice.in", "", "oVice"),
    ("cliq.zoho.com", "/meetings/", "Zoho Cliq"),
    ("cliq.zoho.eu", "/meetings/", "Zoho Cliq"),
    ("app.cal.com", "/video/", "Cal Video"),
    ("meet.pumble.com", "", "Pumble"),
    ("demodesk.com", "", "Demodesk"),
    ("join.gong.io", "", "Gong"),
    ("go.blizz.com", "", "Blizz"),
    ("vsee.com", "", "VSee"),
    ("freeconferencecall.com", "", "FreeConferenceCall"),
    ("freeconference.com", "", "FreeConference"),
    ("vidyocloud.com", "", "Vidyo"),
    ("spaces.avayacloud.com", "", "Avaya Spaces"),
    ("meet.mitel.io", "", "Mitel"),
    ("jiomeetpro.jio.com", "", "JioMeet"),
    ("jiomeet.jio.com", "", "JioMeet"),
    ("kmeet.infomaniak.com", "", "kMeet"),
    ("alfaview.com", "", "alfaview"),
    ("meet.opentalk.eu", "", "OpenTalk"),
    ("edudip.com", "", "edudip"),
    ("fairmeeting.net", "", "fairmeeting"),
    ("talk.brave.com", "", "Brave Talk"),
    ("huddle01.app", "", "Huddle01"),
    ("zencastr.com", "", "Zencastr"),
    ("meetecho.com", "", "Meetecho"),
    ("web.openrainbow.com", "", "Rainbow"),
)

_ZOHO = re.compile(r"(?:meeting|meet)\.zoho\.(?:com|eu|in|jp|com\.au|com\.cn|sa)")
# Greenlight, the usual front page of BigBlueButton, on anybody's host
_BIG_BLUE_BUTTON = re.compile(
    r"/b/[a-z0-9]{3}-[a-z0-9]{3}-[a-z0-9]{3}(?:-[a-z0-9]{3})?/?|/rooms/(?:[a-z0-9]{3}-){3}[a-z0-9]{3}/join"
)
# Nextcloud Talk, on anybody's host
_NEXTCLOUD_TALK = re.compile(r"(?:/[\w-]{1,40})?(?:/index\.php)?/call/[a-z0-9]{8}/?")


def service_name(address: WebAddress) -> str | None:
    """None where the address is of no meeting service we know."""
    if address.scheme not in ("http", "https") or not (address.path.strip("/") or address.query or address.fragment):
        return None
    for domain, path, name in _SERVICES:
        if is_host_or_below(address.host, domain) and address.path.startswith(path):
            return name
    if _ZOHO.fullmatch(address.host):
        return "Zoho Meeting"
    if _BIG_BLUE_BUTTON.fullmatch(address.path):
        return "BigBlueButton"
    if _NEXTCLOUD_TALK.fullmatch(address.path):
        return "Nextcloud Talk"
    return None
