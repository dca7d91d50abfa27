"""The service that this module replaces, written anew from its documentation:
FastAPI, a client of httpx for each offer, transcripts through motor."""

import os

import httpx
from fastapi import APIRouter, Depends, FastAPI, HTTPException, Request
from fastapi.responses import PlainTextResponse
from jose import JWTError, jwt
from motor.motor_asyncio import AsyncIOMotorClient
from pydantic import BaseModel

ROLES = {"SuperAdmin", "Formateur-int", "Formateur-ext", "Formé"}
UPSTREAM = os.environ["BENCH_UPSTREAM"]
OPENAI_KEY = os.environ["BENCH_KEY"]
SECRET = os.environ["BENCH_SECRET"]
CA = os.environ["BENCH_CA"]

router = APIRouter(prefix="/realtime")
store = None
if os.environ.get("BENCH_STORE"):
    store = AsyncIOMotorClient(os.environ["BENCH_STORE"]).get_default_database()["transcripts"]


class TranscriptCreate(BaseModel):
    user_id: str
    text: str
    session_id: str | None = None


def get_current_user(request: Request):
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme != "Bearer":
        raise HTTPException(401, "Not authenticated")
    try:
        claims = jwt.decode(token, SECRET, algorithms=["HS256"])
    except JWTError:
        raise HTTPException(401, "Could not validate credentials") from None
    if not ROLES & set(claims.get("roles", [])):
        raise HTTPException(403, "Access Denied: Insufficient permissions")
    return claims["sub"]


@router.post("/webrtc-offer", response_class=PlainTextResponse)
async def webrtc_offer(request: Request, user=Depends(get_current_user)):
    sdp = await request.body()
    headers = {"Authorization": f"Bearer {OPENAI_KEY}", "Content-Type": "application/sdp"}
    try:
        async with httpx.AsyncClient(timeout=30, verify=CA) as client:
            resp = await client.post(UPSTREAM, content=sdp, headers=headers)
    except httpx.RequestError as e:
        raise HTTPException(500, f"Request to OpenAI failed: {e}") from None
    if resp.text.startswith("v=0"):
        return resp.text
    raise HTTPException(500, f"OpenAI Realtime API error: {resp.text}")


@router.post("/transcripts")
async def save_transcript(data: TranscriptCreate, user=Depends(get_current_user)):
    if data.user_id != user:
        raise HTTPException(403, "Cannot save transcript for another user")
    result = await store.insert_one(data.dict())
    return {"id": str(result.inserted_id)}


app = FastAPI()
app.include_router(router)
